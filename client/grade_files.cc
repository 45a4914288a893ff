#include "client/grade_files.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <grpcpp/grpcpp.h>

#include "client/console.h"
#include "fmt/format.h"
#include "gradus/v1/gradient_service.grpc.pb.h"
#include "server/files/message_file.h"

namespace gradus {
namespace {

// Files that have been read and not yet handed to the sink, at most.
constexpr size_t kWindow = 256;
// A batch is full with the first of these reached.
constexpr int kBatchSubmissions = 16;
constexpr int64_t kBatchBytes = int64_t{256} << 10;
// Of an id, by the contract.
constexpr size_t kMaxIdLength = 256;
// Before what is not answered is sent again, after calls that were answered nothing: twice as long
// each time, eleven seconds together, in which a server may start again.
constexpr std::chrono::milliseconds kFirstWait{90};
constexpr std::chrono::milliseconds kLastWait{6000};
// More than tag and length of an embedded message take.
constexpr int64_t kFrameBytes = 16;

// What a submission adds to a batch.
int64_t BytesOf(const v1::Submission& submission) {
  return static_cast<int64_t>(submission.ByteSizeLong()) + kFrameBytes;
}

// What became of the files so far, on whichever call they travel.
class Papers {
 public:
  Papers(std::span<const std::string> files, const ReportSink& sink, int64_t max_request_bytes)
      : files_(files), sink_(sink), max_batch_bytes_(max_request_bytes - kFrameBytes) {}

  // Reads files into the batch until it is full, or the window is, or nothing is left to send.
  void Fill(v1::SubmissionBatch* batch) {
    batch->Clear();
    int64_t bytes = 0;
    while (batch->submissions_size() < kBatchSubmissions && bytes < kBatchBytes) {
      std::optional<v1::Submission> submission = Next();
      if (!submission.has_value()) return;
      if (bytes + BytesOf(*submission) > max_batch_bytes_) {
        held_ = std::move(submission);
        return;
      }
      bytes += BytesOf(*submission);
      *batch->add_submissions() = *std::move(submission);
    }
  }

  // Whether nothing is left to send, unless SendAgain is called.
  bool is_all_sent() const {
    return !held_.has_value() && unsent_.empty() && next_file_ == files_.size();
  }
  size_t answered_count() const { return answered_count_; }

  void Take(v1::SubmissionResult* result) {
    const auto found = number_of_id_.find(result->submission_id());
    // An answer to nothing that was asked.
    if (found == number_of_id_.end()) return;
    const size_t number = found->second;
    number_of_id_.erase(found);
    ++answered_count_;
    Entry& entry = entries_[number - first_];
    if (result->has_report()) {
      entry.report = std::move(*result->mutable_report());
      (*entry.report)->set_submission_id(entry.own_id);
    } else {
      entry.report = About(files_[number], ErrorOf(*result));
    }
  }

  // Gives the sink what it can have in order.
  void HandOverWhatIsDone() {
    for (; !entries_.empty() && entries_.front().report.has_value(); ++first_) {
      sink_(files_[first_], *entries_.front().report);
      entries_.pop_front();
    }
  }

  // After a call: what it has not answered, the next one is to send.
  void SendAgain() {
    held_.reset();
    unsent_.clear();
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (!entries_[i].report.has_value()) unsent_.push_back(first_ + i);
    }
  }

  // After the last call, which ended with this status: gives the sink what is left.
  void End(const absl::Status& status) {
    for (; !entries_.empty(); ++first_, entries_.pop_front()) {
      std::optional<absl::StatusOr<v1::GradeReport>>& report = entries_.front().report;
      if (!report.has_value() && status.ok()) {
        report = absl::InternalError(
            fmt::format("{}: the server did not answer this submission", files_[first_]));
      }
      if (report.has_value()) sink_(files_[first_], *report);
    }
  }

 private:
  // One file on its way.
  struct Entry {
    std::string own_id;
    std::string id;  // that it travels under
    std::optional<absl::StatusOr<v1::GradeReport>> report;
  };

  // The next submission to send. It is read again to be sent again, as those of a whole window
  // would be much to hold.
  std::optional<v1::Submission> Next() {
    if (held_.has_value()) return std::exchange(held_, std::nullopt);
    while (true) {
      size_t number = 0;
      if (!unsent_.empty()) {
        number = unsent_.front();
        unsent_.pop_front();
      } else if (entries_.size() < kWindow && next_file_ < files_.size()) {
        number = next_file_++;
        entries_.emplace_back();
      } else {
        return std::nullopt;
      }
      Entry& entry = entries_[number - first_];
      v1::Submission submission;
      if (absl::Status read = ReadSubmission(files_[number], &submission); !read.ok()) {
        number_of_id_.erase(entry.id);
        entry.report = std::move(read);
        HandOverWhatIsDone();
        continue;
      }
      entry.own_id = submission.id();
      if (entry.id.empty()) entry.id = UniqueId(number, submission.id());
      submission.set_id(entry.id);
      return submission;
    }
  }

  absl::Status ReadSubmission(const std::string& file, v1::Submission* submission) const {
    if (absl::Status s = ReadMessageFile(file, submission); !s.ok()) return s;
    // With room for the number that UniqueId may add.
    if (BytesOf(*submission) + kFrameBytes <= max_batch_bytes_) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("{}: {} bytes in binary, the server takes messages of {}", file,
                    submission->ByteSizeLong(), max_batch_bytes_ + kFrameBytes));
  }

  // A submission travels under its own id, or under its number if it has none or that of another.
  std::string UniqueId(size_t number, std::string id) {
    if (id.size() > kMaxIdLength) {
      // As long, so the server refuses it like any other.
      id += fmt::format("#{}", number);
    } else {
      for (std::string mark = "#"; id.empty() || !used_ids_.insert(id).second; mark += '#') {
        id = fmt::format("{}{}", mark, number);
      }
    }
    number_of_id_.emplace(id, number);
    return id;
  }

  static absl::Status ErrorOf(const v1::SubmissionResult& result) {
    const auto code = static_cast<absl::StatusCode>(result.error().code());
    if (code != absl::StatusCode::kOk) return absl::Status(code, result.error().message());
    return absl::InternalError("the server sent neither a report nor an error");
  }

  const std::span<const std::string> files_;
  const ReportSink& sink_;
  const int64_t max_batch_bytes_;  // what the server takes

  size_t next_file_ = 0;                // to be read for the first time
  size_t first_ = 0;                    // number of the file of entries_.front()
  std::deque<Entry> entries_;           // files that were read, but not handed to the sink
  std::deque<size_t> unsent_;           // numbers of those that are to be sent again
  std::optional<v1::Submission> held_;  // read, but too large for the batch then
  size_t answered_count_ = 0;
  std::unordered_set<std::string> used_ids_;
  std::unordered_map<std::string, size_t> number_of_id_;  // of submissions not answered yet
};

// The operations of the call.
enum class Operation { kStart, kWrite, kHalfClose, kRead, kFinish };

// One call of GradeStream: a loop over what its completion queue says, on the calling thread.
class Grading {
 public:
  Grading(const Connection& connection, const v1::GradeStreamHeader& header, Papers& papers)
      : connection_(connection),
        papers_(papers),
        stub_(connection.channel()),
        call_(stub_.PrepareAsyncGradeStream(&context_, &queue_)) {
    *request_.mutable_header() = header;
  }

  // Until all is answered, or the call has failed.
  absl::Status Run() {
    connection_.Authorize(&context_);
    call_->StartCall(TagOf(Operation::kStart));
    under_way_ = 1;
    while (under_way_ > 0) {
      void* tag = nullptr;
      bool ok = false;
      if (!WaitForNext(&tag, &ok)) {
        // What is under way ends soon now.
        timed_out_ = true;
        context_.TryCancel();
        continue;
      }
      --under_way_;
      Handle(*static_cast<const Operation*>(tag), ok);
      papers_.HandOverWhatIsDone();
    }
    return timed_out_ ? connection_.Explain({grpc::StatusCode::DEADLINE_EXCEEDED, ""})
                      : connection_.Explain(status_);
  }

 private:
  // What the completion queue tells an operation by.
  void* TagOf(Operation operation) { return &operations_[static_cast<size_t>(operation)]; }

  // False if nothing happens for as long as a call may take.
  bool WaitForNext(void** tag, bool* ok) {
    if (timed_out_) return queue_.Next(tag, ok);
    const auto deadline = std::chrono::system_clock::now() + connection_.timeout();
    return queue_.AsyncNext(tag, ok, deadline) != grpc::CompletionQueue::TIMEOUT;
  }

  void Handle(Operation operation, bool ok) {
    switch (operation) {
      case Operation::kStart:
        if (!ok) return Finish();
        Write();
        return Read();
      case Operation::kWrite:
        is_writing_ = false;
        can_write_ = can_write_ && ok;
        return WriteNext();
      case Operation::kHalfClose:
        return;
      case Operation::kRead:
        // No more results: the server has ended the call.
        if (!ok) return Finish();
        for (v1::SubmissionResult& result : *response_.mutable_results()) papers_.Take(&result);
        Read();
        return WriteNext();
      case Operation::kFinish:
        return;
    }
  }

  void Read() {
    ++under_way_;
    call_->Read(&response_, TagOf(Operation::kRead));
  }

  void Write() {
    ++under_way_;
    is_writing_ = true;
    call_->Write(request_, TagOf(Operation::kWrite));
  }

  void Finish() {
    ++under_way_;
    can_write_ = false;
    call_->Finish(&status_, TagOf(Operation::kFinish));
  }

  // Writes the next batch, or says that there is none, as soon as either can be done.
  void WriteNext() {
    if (is_writing_ || !can_write_) return;
    papers_.Fill(request_.mutable_batch());
    if (request_.batch().submissions_size() > 0) return Write();
    // The window is full: results make room.
    if (!papers_.is_all_sent()) return;
    can_write_ = false;
    ++under_way_;
    call_->WritesDone(TagOf(Operation::kHalfClose));
  }

  const Connection& connection_;
  Papers& papers_;

  std::array<Operation, 5> operations_ = {Operation::kStart, Operation::kWrite,
                                          Operation::kHalfClose, Operation::kRead,
                                          Operation::kFinish};
  // What gRPC writes to comes before the queue, which is drained before it is gone.
  v1::GradeStreamRequest request_;
  v1::GradeStreamResponse response_;
  grpc::Status status_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  v1::GradingService::Stub stub_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::GradeStreamRequest, v1::GradeStreamResponse>>
      call_;
  int under_way_ = 0;  // operations
  bool is_writing_ = false;
  bool can_write_ = true;  // neither broken nor half-closed
  bool timed_out_ = false;
};

}  // namespace

absl::Status GradeFiles(const Connection& connection, const v1::GradeStreamHeader& header,
                        std::span<const std::string> files, const ReportSink& sink) {
  const absl::StatusOr<v1::GetLimitsResponse> limits =
      connection.Call(&v1::GradientService::Stub::GetLimits, v1::GetLimitsRequest());
  if (!limits.ok()) return limits.status();
  Papers papers(files, sink, limits->max_request_bytes());
  std::chrono::milliseconds wait = kFirstWait;
  while (true) {
    const size_t answered = papers.answered_count();
    absl::Status status = Grading(connection, header, papers).Run();
    if (papers.answered_count() > answered) wait = kFirstWait;
    if (!absl::IsUnavailable(status) || wait > kLastWait) {
      papers.End(status);
      return status;
    }
    std::this_thread::sleep_for(wait);
    wait *= 2;
    papers.SendAgain();
  }
}

}  // namespace gradus
