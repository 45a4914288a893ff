// gradus_load: calls a server in a loop, or so many times a second, and prints what came of it as
// JSON:
//
//   {"seconds": 5.0, "lost": 0, "doubled": 0,
//    "codes": {"OK": {"count": 50000, "per_second": 10000, "p50_ms": 0.8, "p99_ms": 2.1,
//    "max_ms": 9.0}}}
//
// Items are unary calls of any method, whose request is bytes in a file; or, for GradeStream,
// submissions: copies of one file under ids of their own. Times are from when an item was due, so a
// server that is late cannot hide it by taking fewer.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include <CLI/CLI.hpp>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include "gradus/v1/grading_service.grpc.pb.h"

namespace gradus {
namespace {

using Clock = std::chrono::system_clock;  // gRPC's

struct Options {
  std::string server;
  std::string method;
  std::string request_file;
  std::string submission_file;
  std::string service_config_file;
  int in_flight = 1;
  int connections = 1;
  int batch = 16;
  double rate = 0;
  double seconds = 0;
  int64_t count = 0;
  int timeout_ms = 60'000;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class Message>
Message ReadMessage(const std::string& path) {
  Message message;
  if (!message.ParseFromString(ReadFile(path))) {
    throw std::invalid_argument(path + ": not a " + std::string(message.GetTypeName()));
  }
  return message;
}

// When the next item may begin.
class Pace {
 public:
  explicit Pace(const Options& options)
      : rate_(options.rate), count_(options.count), end_(begun_ + Seconds(options.seconds)) {
    if (options.seconds == 0) end_ = Clock::time_point::max();
  }

  bool IsOver() const { return (count_ > 0 && next_ == count_) || Clock::now() >= end_; }
  // When the next item is or was due; items of a loop are due at once.
  Clock::time_point Due() const {
    return rate_ == 0 ? Clock::now() : begun_ + Seconds(static_cast<double>(next_) / rate_);
  }
  bool IsDue() const { return !IsOver() && (rate_ == 0 || Due() <= Clock::now()); }
  int64_t Take() { return next_++; }
  // Until when there is nothing to do but wait for answers.
  Clock::time_point NextEvent() const {
    const auto patience = Clock::now() + Seconds(1);
    return std::min(IsOver() || rate_ == 0 ? patience : Due(), patience);
  }
  double SecondsSoFar() const {
    return std::chrono::duration<double>(Clock::now() - begun_).count();
  }

 private:
  static Clock::duration Seconds(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  const Clock::time_point begun_ = Clock::now();
  const double rate_;
  const int64_t count_;
  Clock::time_point end_;
  int64_t next_ = 0;
};

class Tally {
 public:
  void Add(int code, Clock::time_point due) {
    codes_[code].push_back(std::chrono::duration<double, std::milli>(Clock::now() - due).count());
  }
  void AddDoubled() { ++doubled_; }
  void AddLost(size_t count) { lost_ += count; }

  void Print(double seconds) {
    nlohmann::json json = {
        {"seconds", seconds}, {"lost", lost_}, {"doubled", doubled_}, {"codes", {}}};
    for (auto& [code, times] : codes_) {
      std::sort(times.begin(), times.end());
      const auto quantile = [&times = times](double share) {
        return times[std::min(times.size() - 1,
                              static_cast<size_t>(share * static_cast<double>(times.size())))];
      };
      json["codes"][absl::StatusCodeToString(static_cast<absl::StatusCode>(code))] = {
          {"count", times.size()},
          {"per_second", static_cast<double>(times.size()) / seconds},
          {"p50_ms", quantile(0.5)},
          {"p99_ms", quantile(0.99)},
          {"max_ms", times.back()}};
    }
    std::cout << json << std::endl;
  }

 private:
  std::map<int, std::vector<double>> codes_;
  size_t lost_ = 0;
  size_t doubled_ = 0;
};

std::vector<std::shared_ptr<grpc::Channel>> Connect(const Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (options.service_config_file.empty()) {
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  } else {
    arguments.SetServiceConfigJSON(ReadFile(options.service_config_file));
  }
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < options.connections; ++i) {
    // Channels with the same arguments would share a connection.
    arguments.SetInt("gradus.connection", i);
    channels.push_back(
        grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(), arguments));
  }
  return channels;
}

// One at a time of the calls in flight.
struct UnaryCall {
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
  Clock::time_point due;
};

void CallUnary(const Options& options, Pace& pace, Tally& tally) {
  const grpc::Slice bytes(ReadFile(options.request_file));
  const grpc::ByteBuffer request(&bytes, 1);
  const auto channels = Connect(options);
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  for (const auto& channel : channels)
    stubs.push_back(std::make_unique<grpc::GenericStub>(channel));
  grpc::CompletionQueue queue;
  std::vector<UnaryCall> calls(static_cast<size_t>(options.in_flight));
  std::vector<UnaryCall*> idle;
  for (UnaryCall& call : calls) idle.push_back(&call);

  while (!pace.IsOver() || idle.size() < calls.size()) {
    while (!idle.empty() && pace.IsDue()) {
      UnaryCall* call = idle.back();
      idle.pop_back();
      call->due = pace.Due();
      const auto number = static_cast<size_t>(pace.Take());
      call->context = std::make_unique<grpc::ClientContext>();
      call->context->set_deadline(Clock::now() + std::chrono::milliseconds(options.timeout_ms));
      call->reader = stubs[number % stubs.size()]->PrepareUnaryCall(
          call->context.get(), "/" + options.method, request, &queue);
      call->reader->StartCall();
      call->reader->Finish(&call->response, &call->status, call);
    }
    void* tag = nullptr;
    bool ok = false;
    if (queue.AsyncNext(&tag, &ok, pace.NextEvent()) != grpc::CompletionQueue::GOT_EVENT) continue;
    auto* call = static_cast<UnaryCall*>(tag);
    tally.Add(call->status.error_code(), call->due);
    call->response.Clear();
    idle.push_back(call);
  }
}

// One GradeStream call, with so many submissions unanswered at most.
class Stream {
 public:
  Stream(const Options& options, const std::shared_ptr<grpc::Channel>& channel, Pace& pace,
         Tally& tally, grpc::CompletionQueue& queue)
      : pace_(pace),
        tally_(tally),
        window_(static_cast<size_t>(std::max(1, options.in_flight / options.connections))),
        batch_(static_cast<size_t>(options.batch)),
        stub_(channel),
        call_(stub_.PrepareAsyncGradeStream(&context_, &queue)) {
    *request_.mutable_header() = ReadMessage<v1::GradeStreamHeader>(options.request_file);
    submission_ = ReadMessage<v1::Submission>(options.submission_file);
    context_.set_deadline(Clock::now() + std::chrono::milliseconds(options.timeout_ms));
    is_writing_ = true;
    call_->StartCall(&start_);
  }

  bool is_over() const { return is_over_; }

  // Writes what is due, if it can.
  void GoOn() {
    if (is_writing_ || is_half_closed_ || is_over_) return;
    auto* batch = request_.mutable_batch();
    batch->Clear();
    // A full batch is cheaper, so an answer or two is not worth another one.
    const size_t room = window_ - unanswered_.size();
    while (room >= std::min(batch_, window_) &&
           static_cast<size_t>(batch->submissions_size()) < batch_ && pace_.IsDue()) {
      v1::Submission* submission = batch->add_submissions();
      *submission = submission_;
      const Clock::time_point due = pace_.Due();
      submission->set_id(std::to_string(pace_.Take()));
      unanswered_.emplace(submission->id(), due);
    }
    if (batch->submissions_size() > 0) {
      is_writing_ = true;
      call_->Write(request_, &write_);
    } else if (pace_.IsOver()) {
      is_half_closed_ = true;
      call_->WritesDone(&half_close_);
    }
  }

  struct Operation {
    enum class Kind { kStart, kWrite, kHalfClose, kRead, kFinish } kind;
    Stream* stream;
  };

  void Handle(Operation::Kind kind, bool ok) {
    switch (kind) {
      case Operation::Kind::kStart:
        if (ok) call_->Write(request_, &write_);
        return Read();
      case Operation::Kind::kWrite:
        is_writing_ = false;
        // The failed read tells more.
        is_half_closed_ = is_half_closed_ || !ok;
        return;
      case Operation::Kind::kHalfClose:
        return;
      case Operation::Kind::kRead:
        if (!ok) return call_->Finish(&status_, &finish_);
        for (const v1::SubmissionResult& result : response_.results()) Take(result);
        return Read();
      case Operation::Kind::kFinish:
        is_over_ = true;
        tally_.AddLost(unanswered_.size());
        if (!status_.ok()) tally_.Add(status_.error_code(), Clock::now());
    }
  }

 private:
  void Read() { call_->Read(&response_, &read_); }

  void Take(const v1::SubmissionResult& result) {
    const auto found = unanswered_.find(result.submission_id());
    if (found == unanswered_.end()) return tally_.AddDoubled();
    tally_.Add(result.error().code(), found->second);
    unanswered_.erase(found);
  }

  Pace& pace_;
  Tally& tally_;
  const size_t window_;
  const size_t batch_;
  v1::GradeStreamRequest request_;
  v1::GradeStreamResponse response_;
  v1::Submission submission_;
  grpc::ClientContext context_;
  grpc::Status status_;
  v1::GradingService::Stub stub_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::GradeStreamRequest, v1::GradeStreamResponse>>
      call_;
  Operation start_{Operation::Kind::kStart, this};
  Operation write_{Operation::Kind::kWrite, this};
  Operation half_close_{Operation::Kind::kHalfClose, this};
  Operation read_{Operation::Kind::kRead, this};
  Operation finish_{Operation::Kind::kFinish, this};
  bool is_writing_ = false;
  bool is_half_closed_ = false;
  bool is_over_ = false;
  std::unordered_map<std::string, Clock::time_point> unanswered_;
};

void CallStreams(const Options& options, Pace& pace, Tally& tally) {
  const auto channels = Connect(options);
  grpc::CompletionQueue queue;
  std::deque<Stream> streams;
  for (const auto& channel : channels) streams.emplace_back(options, channel, pace, tally, queue);
  while (
      !std::all_of(streams.begin(), streams.end(), [](const Stream& s) { return s.is_over(); })) {
    for (Stream& stream : streams) stream.GoOn();
    void* tag = nullptr;
    bool ok = false;
    if (queue.AsyncNext(&tag, &ok, pace.NextEvent()) != grpc::CompletionQueue::GOT_EVENT) continue;
    const auto* operation = static_cast<Stream::Operation*>(tag);
    operation->stream->Handle(operation->kind, ok);
  }
}

int Main(int argc, char** argv) {
  // As in gradus-server, whose speed is asked for, not this program's.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Options options;
  CLI::App app("Calls a server often, and prints what came of it as JSON.", "gradus_load");
  app.add_option("--server", options.server, "HOST:PORT, or ipv4:HOST:PORT,HOST:PORT")->required();
  app.add_option("--method", options.method, "as in gradus.v1.GradingService/Grade")->required();
  app.add_option("--request", options.request_file,
                 "file with the request in binary; of GradeStream, with its header")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--submission", options.submission_file, "of GradeStream, in binary")
      ->check(CLI::ExistingFile);
  app.add_option("--service-config", options.service_config_file, "JSON; without it, no retries")
      ->check(CLI::ExistingFile);
  app.add_option("--in-flight", options.in_flight, "items unanswered at a time");
  app.add_option("--connections", options.connections, "that they are spread over");
  app.add_option("--batch", options.batch, "submissions of a message");
  app.add_option("--rate", options.rate, "items a second; 0: the next when one is answered");
  app.add_option("--seconds", options.seconds, "begin no items after that");
  app.add_option("--count", options.count, "begin no more items than that");
  app.add_option("--timeout-ms", options.timeout_ms, "of each call");
  CLI11_PARSE(app, argc, argv);

  Pace pace(options);
  Tally tally;
  if (options.submission_file.empty()) {
    CallUnary(options, pace, tally);
  } else {
    CallStreams(options, pace, tally);
  }
  tally.Print(pace.SecondsSoFar());
  return 0;
}

}  // namespace
}  // namespace gradus

int main(int argc, char** argv) { return gradus::Main(argc, argv); }
