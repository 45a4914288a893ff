// GradeStream as a client sees it: what comes back, what ends a stream, and that neither side
// outruns the other.

#include "server/transport/grade_stream.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include <grpcpp/grpcpp.h>

#include "fmt/format.h"
#include "gradus/v1/grading_service.grpc.pb.h"
#include "server/transport/compute_pool.h"
#include "server/transport/grading_service.h"
#include "tests/support/random.h"
#include "tests/support/reason.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Stub = v1::GradingService::Stub;

// y = w x = 11, and its gradient by w is x.
v1::Assignment SmallAssignment() {
  return FromText<v1::Assignment>(R"pb(
    name: "small"
    problems {
      name: "p"
      problem {
        network {
          inputs { name: "x" }
          parameters {
            name: "w"
            value {
              shape: [ 1, 2 ]
              values: [ 3, 4 ]
            }
          }
          nodes {
            name: "y"
            inputs: [ "x", "w" ]
            dense {}
          }
        }
        inputs {
          name: "x"
          tensor {
            shape: 2
            values: [ 1, 2 ]
          }
        }
        objective: "y"
      }
    }
    items { id: "y" quantity: "y" }
    items { id: "dw" quantity: "grad(w)" }
    policy { feedback_level: FEEDBACK_LEVEL_VALUES }
  )pb");
}

v1::GradeStreamRequest Header(const v1::Assignment& assignment = SmallAssignment()) {
  v1::GradeStreamRequest request;
  *request.mutable_header()->mutable_assignment() = assignment;
  return request;
}

v1::GradeStreamRequest BatchOf(const std::vector<v1::Submission>& submissions) {
  v1::GradeStreamRequest request;
  request.mutable_batch()->mutable_submissions()->Add(submissions.begin(), submissions.end());
  return request;
}

v1::Submission WithId(const std::string& id) {
  v1::Submission submission;
  submission.set_id(id);
  return submission;
}

// Some right, some wrong, some not answered, some malformed.
v1::Submission RandomSubmission(const std::string& id, Random* random) {
  v1::Submission submission = WithId(id);
  if (random->Below(4) > 0) {
    v1::Answer* answer = submission.add_answers();
    answer->set_item("y");
    answer->mutable_text()->add_values(random->Below(2) == 0 ? "11.0" : "12,0");
  }
  if (random->Below(4) > 0) {
    v1::Answer* answer = submission.add_answers();
    answer->set_item("dw");
    v1::Tensor* tensor = answer->mutable_tensor();
    tensor->add_shape(1);
    tensor->add_shape(2);
    tensor->add_values(1);
    tensor->add_values(static_cast<double>(random->Below(3)));
  }
  return submission;
}

std::vector<v1::Submission> RandomSubmissions(int count, Random* random) {
  std::vector<v1::Submission> submissions;
  for (int i = 0; i < count; ++i) {
    submissions.push_back(RandomSubmission("s" + std::to_string(i), random));
  }
  return submissions;
}

// The submissions in batches of random sizes, none of them empty.
std::vector<v1::GradeStreamRequest> RandomBatches(const std::vector<v1::Submission>& submissions,
                                                  int64_t max_size, Random* random) {
  std::vector<v1::GradeStreamRequest> batches;
  for (auto first = submissions.begin(); first != submissions.end();) {
    const auto last =
        first + std::min<int64_t>(1 + random->Below(max_size), submissions.end() - first);
    batches.push_back(BatchOf({first, last}));
    first = last;
  }
  return batches;
}

// How a stream went.
struct Outcome {
  std::vector<v1::SubmissionResult> results;
  grpc::Status status;
};

// Sends all requests while it reads all results.
Outcome RunStream(Stub& stub, const std::vector<v1::GradeStreamRequest>& requests) {
  TestContext context;
  const auto stream = stub.GradeStream(&context);
  std::thread writer([&] {
    for (const v1::GradeStreamRequest& request : requests) {
      // The server may have ended the stream.
      if (!stream->Write(request)) return;
    }
    stream->WritesDone();
  });
  Outcome outcome;
  v1::GradeStreamResponse response;
  while (stream->Read(&response)) {
    for (v1::SubmissionResult& result : *response.mutable_results()) {
      outcome.results.push_back(std::move(result));
    }
  }
  writer.join();
  outcome.status = stream->Finish();
  return outcome;
}

std::vector<std::string> IdsOf(const Outcome& outcome) {
  std::vector<std::string> ids;
  for (const v1::SubmissionResult& result : outcome.results) ids.push_back(result.submission_id());
  return ids;
}

std::vector<std::string> IdsOf(const std::vector<v1::Submission>& submissions) {
  std::vector<std::string> ids;
  for (const v1::Submission& submission : submissions) ids.push_back(submission.id());
  return ids;
}

// The field that the details of an error name, and the reason.
std::string FieldAndReason(const google::rpc::Status& status) {
  google::rpc::BadRequest bad_request;
  google::rpc::ErrorInfo info;
  if (status.details_size() != 2 || !status.details(0).UnpackTo(&bad_request) ||
      !status.details(1).UnpackTo(&info) || bad_request.field_violations_size() != 1) {
    return "no details";
  }
  return bad_request.field_violations(0).field() + " " + info.reason();
}

// A server of this RPC only, with limits and a pool of the test's choice.
class StreamServer : private RawGradingService {
 public:
  StreamServer(const GradeStreamLimits& stream_limits, int worker_count, size_t queue_capacity,
               const Limits& limits = {},
               std::chrono::milliseconds max_duration = std::chrono::seconds(60))
      : limits_(limits), stream_limits_(stream_limits), pool_(worker_count, queue_capacity) {
    settings_.max_duration = max_duration;
    grpc::ServerBuilder builder;
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    stub_ = v1::GradingService::NewStub(server_->InProcessChannel({}));
  }
  // Before the pool goes: waits for all calls.
  ~StreamServer() override { server_->Shutdown(std::chrono::system_clock::now()); }

  Stub& stub() { return *stub_; }
  ComputePool& pool() { return pool_; }

 private:
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* GradeStream(
      grpc::CallbackServerContext* context) override {
    return new GradeStreamCall(settings_, context, limits_, stream_limits_, assignments_, pool_);
  }

  CallSettings settings_;
  const Limits limits_;
  const GradeStreamLimits stream_limits_;
  const AssignmentStore assignments_;
  ComputePool pool_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Stub> stub_;
};

TEST(GradeStreamTest, EverySubmissionIsAnsweredOnceAndAsByGrade) {
  TestServer server;
  Random random(1);
  const std::vector<v1::Submission> submissions = RandomSubmissions(600, &random);
  std::vector<v1::GradeStreamRequest> requests = RandomBatches(submissions, 60, &random);
  requests.insert(requests.begin(), Header());
  const Outcome outcome = RunStream(server.grading(), requests);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.error_message();

  std::map<std::string, std::string> report_of;
  for (const v1::SubmissionResult& result : outcome.results) {
    EXPECT_TRUE(result.has_report()) << result.DebugString();
    EXPECT_EQ(result.report().submission_id(), result.submission_id());
    EXPECT_TRUE(
        report_of.emplace(result.submission_id(), result.report().SerializeAsString()).second)
        << result.submission_id() << " is answered twice";
  }
  ASSERT_EQ(report_of.size(), submissions.size());
  v1::GradeRequest request;
  *request.mutable_assignment() = SmallAssignment();
  for (const v1::Submission& submission : submissions) {
    *request.mutable_submission() = submission;
    TestContext context;
    v1::GradeResponse response;
    ASSERT_TRUE(server.grading().Grade(&context, request, &response).ok());
    EXPECT_EQ(report_of[submission.id()], response.report().SerializeAsString());
  }
}

TEST(GradeStreamTest, InProcessToo) {
  StreamServer server({}, 2, 64);
  Random random(2);
  const std::vector<v1::Submission> submissions = RandomSubmissions(300, &random);
  std::vector<v1::GradeStreamRequest> requests = RandomBatches(submissions, 20, &random);
  requests.insert(requests.begin(), Header());
  const Outcome outcome = RunStream(server.stub(), requests);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  EXPECT_THAT(IdsOf(outcome), ::testing::UnorderedElementsAreArray(IdsOf(submissions)));
}

TEST(GradeStreamTest, NoSubmissionsNoResults) {
  TestServer server;
  const Outcome outcome = RunStream(server.grading(), {Header(), BatchOf({})});
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  EXPECT_THAT(outcome.results, IsEmpty());
}

TEST(GradeStreamTest, TheCallerMayAskForLess) {
  TestServer server;
  v1::GradeStreamRequest header = Header();
  header.mutable_header()->set_max_feedback_level(v1::FEEDBACK_LEVEL_SCORE);
  const Outcome outcome = RunStream(server.grading(), {header, BatchOf({WithId("s")})});
  ASSERT_EQ(outcome.results.size(), 1U);
  const v1::GradeReport& report = outcome.results[0].report();
  EXPECT_EQ(report.feedback_level(), v1::FEEDBACK_LEVEL_SCORE);
  EXPECT_EQ(report.possible_points(), 2);
  EXPECT_THAT(report.items(), IsEmpty());
}

TEST(GradeStreamTest, WhatIsWrongWithOneSubmissionIsItsResult) {
  TestServer server;
  const std::string long_id(257, 'x');
  v1::Submission many_answers = WithId("many answers");
  for (int i = 0; i <= 100'000; ++i) many_answers.add_answers();
  const Outcome outcome =
      RunStream(server.grading(),
                {Header(), BatchOf({WithId("a"), WithId(long_id), many_answers, WithId("")}),
                 BatchOf({WithId("a"), WithId("b"), WithId(""), WithId("a")})});
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  std::map<std::string, std::vector<std::string>> answers;
  for (const v1::SubmissionResult& result : outcome.results) {
    const google::rpc::Status& error = result.error();
    std::string answer = "report";
    if (error.code() == grpc::StatusCode::INVALID_ARGUMENT) {
      answer = FieldAndReason(error);
    } else if (error.code() == grpc::StatusCode::ALREADY_EXISTS) {
      answer = "duplicate";
    }
    EXPECT_EQ(result.has_report(), answer == "report");
    answers[result.submission_id()].push_back(answer);
  }
  EXPECT_EQ(answers.size(), 5U);
  EXPECT_THAT(answers["a"], UnorderedElementsAre("report", "duplicate", "duplicate"));
  EXPECT_THAT(answers["b"], ElementsAre("report"));
  EXPECT_THAT(answers[""], UnorderedElementsAre("report", "duplicate"));
  EXPECT_THAT(answers[long_id], ElementsAre("submission.id LIMIT_EXCEEDED"));
  EXPECT_THAT(answers["many answers"], ElementsAre("submission.answers LIMIT_EXCEEDED"));
}

TEST(GradeStreamTest, AReportTooLargeToSendIsAResult) {
  Limits limits;
  limits.max_response_bytes = 100;
  StreamServer server({}, 2, 64, limits);
  v1::Submission large = WithId("large");
  for (int i = 0; i < 10; ++i) large.add_answers()->set_item("no such item " + std::to_string(i));
  v1::GradeStreamRequest header = Header();
  header.mutable_header()->set_max_feedback_level(v1::FEEDBACK_LEVEL_VERDICT);
  const Outcome outcome = RunStream(server.stub(), {header, BatchOf({large})});
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  ASSERT_EQ(outcome.results.size(), 1U);
  EXPECT_EQ(outcome.results[0].error().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(outcome.results[0].error().message(), HasSubstr("the limit is 100;"));
}

struct BadStream {
  std::string name;
  std::vector<v1::GradeStreamRequest> requests;
  grpc::StatusCode code;
  std::string message;
  std::string field_and_reason;
};

void PrintTo(const BadStream& row, std::ostream* out) { *out << row.name; }

std::vector<BadStream> BadStreams() {
  constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  v1::GradeStreamRequest no_source;
  no_source.mutable_header();
  v1::GradeStreamRequest by_name;
  by_name.mutable_header()->set_assignment_name("homework");
  v1::GradeStreamRequest level = Header();
  level.mutable_header()->set_max_feedback_level(static_cast<v1::FeedbackLevel>(99));
  v1::GradeStreamRequest no_problems = Header();
  no_problems.mutable_header()->mutable_assignment()->clear_problems();
  const v1::GradeStreamRequest batch = BatchOf({WithId("s")});
  return {
      {"Nothing", {}, kInvalid, "header: unset; a stream begins with it", "header MISSING_FIELD"},
      {"EmptyMessage",
       {v1::GradeStreamRequest()},
       kInvalid,
       "header: unset; a stream begins with it",
       "header MISSING_FIELD"},
      {"BatchBeforeTheHeader",
       {batch, Header()},
       kInvalid,
       "header: unset; a stream begins with it",
       "header MISSING_FIELD"},
      {"NoSource",
       {no_source, batch},
       kInvalid,
       "header.assignment: unset",
       "header.assignment MISSING_FIELD"},
      {"AssignmentByName",
       {by_name, batch},
       grpc::StatusCode::NOT_FOUND,
       "header.assignment_name: no assignment is named 'homework'; this server holds none",
       "header.assignment_name NOT_FOUND"},
      {"NoFeedbackLevel",
       {level, batch},
       kInvalid,
       "header.max_feedback_level: 99 is no feedback level",
       "header.max_feedback_level INVALID_VALUE"},
      {"WrongAssignment",
       {no_problems, batch},
       kInvalid,
       "problems: empty; there is nothing to compute",
       "problems MISSING_FIELD"},
      {"SecondHeader",
       {Header(), batch, Header()},
       kInvalid,
       "header: only the first message of a stream is one",
       "header INVALID_VALUE"},
      {"EmptyMessageLater",
       {Header(), batch, v1::GradeStreamRequest()},
       kInvalid,
       "batch: unset",
       "batch MISSING_FIELD"},
      {"LargeBatch",
       {Header(), BatchOf(std::vector<v1::Submission>(1001))},
       kInvalid,
       "batch.submissions: 1001 submissions, the limit is 1000",
       "batch.submissions LIMIT_EXCEEDED"},
  };
}

class BadStreamTest : public ::testing::TestWithParam<BadStream> {};

TEST_P(BadStreamTest, Ends) {
  static TestServer& server = *new TestServer();
  const BadStream& row = GetParam();
  const Outcome outcome = RunStream(server.grading(), row.requests);
  EXPECT_EQ(outcome.status.error_code(), row.code);
  EXPECT_EQ(outcome.status.error_message(), row.message);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(outcome.status.error_details()));
  EXPECT_EQ(FieldAndReason(details), row.field_and_reason);
}

INSTANTIATE_TEST_SUITE_P(Rows, BadStreamTest, ::testing::ValuesIn(BadStreams()),
                         [](const ::testing::TestParamInfo<BadStream>& info) {
                           return info.param.name;
                         });

// The client neither half-closes nor reads: an error must end the stream all the same.
TEST(GradeStreamTest, AnErrorDoesNotWaitForTheClient) {
  TestServer server;
  TestContext context;
  const auto stream = server.grading().GradeStream(&context);
  ASSERT_TRUE(stream->Write(BatchOf({WithId("s")})));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(GradeStreamTest, AStreamHasALimit) {
  StreamServer server({.max_submissions = 3}, 2, 64);
  const v1::GradeStreamRequest three = BatchOf({WithId("a"), WithId("b"), WithId("c")});
  EXPECT_TRUE(RunStream(server.stub(), {Header(), three}).status.ok());
  const grpc::Status status =
      RunStream(server.stub(), {Header(), three, BatchOf({WithId("d")})}).status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "more than 3 submissions; the others need another stream");
}

// With one submission a message and the smallest budget for what is unwritten, the server takes
// what its workers need next, and then nothing until the client reads. In process there are no
// buffers on the way, so a write that the server does not take never returns but for the deadline.
TEST(GradeStreamTest, AClientThatDoesNotReadIsNotReadFrom) {
  StreamServer server({.max_unwritten_bytes = 1}, 2, 64);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
  const auto stream = server.stub().GradeStream(&context);
  ASSERT_TRUE(stream->Write(Header()));
  int written = 0;
  while (written < 100'000 && stream->Write(BatchOf({WithId(std::to_string(written))}))) ++written;
  EXPECT_LT(written, 500);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST(GradeStreamTest, LargeSubmissionsWaitOneAtATime) {
  StreamServer server({.max_waiting_bytes = 1, .max_unwritten_bytes = 1}, 1, 64);
  Random random(3);
  const std::vector<v1::Submission> submissions = RandomSubmissions(100, &random);
  std::vector<v1::GradeStreamRequest> requests = RandomBatches(submissions, 50, &random);
  requests.insert(requests.begin(), Header());
  const Outcome outcome = RunStream(server.stub(), requests);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  EXPECT_THAT(IdsOf(outcome), ::testing::UnorderedElementsAreArray(IdsOf(submissions)));
}

// A pool's worker that is held until the end, so that what is submitted waits.
class HeldWorker {
 public:
  explicit HeldWorker(ComputePool& pool) {
    pool.Submit("holder", [latches = latches_] {
      latches->started.count_down();
      latches->release.wait();
    });
    latches_->started.wait();
  }
  ~HeldWorker() { latches_->release.count_down(); }

 private:
  // The worker may still look at them when the test is over.
  struct Latches {
    std::latch started{1};
    std::latch release{1};
  };
  const std::shared_ptr<Latches> latches_ = std::make_shared<Latches>();
};

// A stream whose header waits for a worker.
class WaitingStream {
 public:
  explicit WaitingStream(StreamServer& server) : stream_(server.stub().GradeStream(&context_)) {
    stream_->Write(Header());
    while (server.pool().CurrentLoad().queued_jobs == 0) std::this_thread::yield();
  }

  grpc::Status Finish() {
    stream_->WritesDone();
    return stream_->Finish();
  }

 private:
  TestContext context_;
  const std::unique_ptr<grpc::ClientReaderWriter<v1::GradeStreamRequest, v1::GradeStreamResponse>>
      stream_;
};

TEST(GradeStreamTest, AFullQueueRefusesANewStream) {
  StreamServer server({}, 1, 1);
  auto worker = std::make_unique<HeldWorker>(server.pool());
  WaitingStream first(server);
  const grpc::Status second = RunStream(server.stub(), {Header()}).status;
  EXPECT_EQ(second.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(second), "OVERLOADED");
  worker.reset();
  EXPECT_TRUE(first.Finish().ok());
}

TEST(GradeStreamTest, AStreamThatHasNotBegunIsPushedOutByOtherCallers) {
  StreamServer server({}, 1, 1);
  const HeldWorker worker(server.pool());
  WaitingStream stream(server);
  EXPECT_TRUE(server.pool().TrySubmit("other", {.run = [] {}, .refuse = [] {}}));
  EXPECT_EQ(ReasonOf(stream.Finish()), "OVERLOADED");
}

// Others push out its jobs all the time, small messages and large ones.
TEST(GradeStreamTest, AStreamThatHasBegunOutlivesWhatIsPushedOut) {
  StreamServer server({}, 2, 2);
  std::atomic<bool> stop = false;
  std::thread others([&] {
    for (int i = 0; !stop; ++i) {
      if (!server.pool().TrySubmit(std::to_string(i % 7), {.run = [] {}, .refuse = [] {}})) {
        std::this_thread::yield();
      }
    }
  });
  Random random(5);
  std::vector<v1::Submission> submissions = RandomSubmissions(500, &random);
  for (size_t i = 0; i < submissions.size(); i += 10) {
    submissions[i].add_answers()->mutable_text()->add_values(std::string(30'000, '1'));
  }
  std::vector<v1::GradeStreamRequest> requests = RandomBatches(submissions, 20, &random);
  requests.insert(requests.begin(), Header());
  Outcome outcome;
  do {  // others may also keep it from beginning
    outcome = RunStream(server.stub(), requests);
  } while (ReasonOf(outcome.status) == "OVERLOADED");
  stop = true;
  others.join();
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  EXPECT_THAT(IdsOf(outcome), ::testing::UnorderedElementsAreArray(IdsOf(submissions)));
}

// One worker and one place in the queue for eight streams: all go on once they have begun.
TEST(GradeStreamTest, StreamsThatHaveBegunShareAFullQueue) {
  StreamServer server({}, 1, 1);
  constexpr int kStreams = 8;
  constexpr int kBatches = 50;
  std::vector<std::unique_ptr<TestContext>> contexts;
  std::vector<
      std::unique_ptr<grpc::ClientReaderWriter<v1::GradeStreamRequest, v1::GradeStreamResponse>>>
      streams;
  for (int i = 0; i < kStreams; ++i) {
    contexts.push_back(std::make_unique<TestContext>());
    streams.push_back(server.stub().GradeStream(contexts.back().get()));
    ASSERT_TRUE(streams.back()->Write(Header()));
    // The answer says that the header has been accepted, and the queue is empty again.
    ASSERT_TRUE(streams.back()->Write(BatchOf({WithId("first")})));
    v1::GradeStreamResponse response;
    ASSERT_TRUE(streams.back()->Read(&response));
  }
  std::vector<std::thread> threads;
  std::vector<int> counts(kStreams);
  std::vector<grpc::Status> statuses(kStreams);
  for (int i = 0; i < kStreams; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < kBatches; ++k) {
        const std::string id = std::to_string(k);
        streams[i]->Write(BatchOf({WithId("a" + id), WithId("b" + id)}));
      }
      streams[i]->WritesDone();
      v1::GradeStreamResponse response;
      while (streams[i]->Read(&response)) counts[i] += response.results_size();
      statuses[i] = streams[i]->Finish();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const grpc::Status& status : statuses) EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(counts, ::testing::Each(2 * kBatches));
}

TEST(GradeStreamTest, StreamsDoNotMix) {
  TestServer server;
  std::vector<std::thread> threads;
  for (const std::string name : {"one", "two"}) {
    threads.emplace_back([&server, name] {
      v1::Assignment assignment = SmallAssignment();
      assignment.set_name(name);
      Random random(4);
      const std::vector<v1::Submission> submissions = RandomSubmissions(200, &random);
      std::vector<v1::GradeStreamRequest> requests = RandomBatches(submissions, 10, &random);
      requests.insert(requests.begin(), Header(assignment));
      const Outcome outcome = RunStream(server.grading(), requests);
      EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
      EXPECT_THAT(IdsOf(outcome), ::testing::UnorderedElementsAreArray(IdsOf(submissions)));
      for (const v1::SubmissionResult& result : outcome.results) {
        EXPECT_EQ(result.report().assignment(), name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Wherever it is cancelled, the stream ends, and the server goes on: it is destroyed only when
// every call has ended.
TEST(GradeStreamTest, CancelledAnywhere) {
  TestServer server;
  Random random(5);
  for (int round = 0; round < 60; ++round) {
    TestContext context;
    const auto stream = server.grading().GradeStream(&context);
    const int64_t writes = random.Below(12);
    const int64_t reads = random.Below(writes + 1);
    for (int64_t i = 0; i < writes; ++i) {
      // More than one response holds, so there are at least as many of these as batches.
      std::vector<v1::Submission> submissions;
      for (int k = 0; k < 40; ++k) {
        submissions.push_back(RandomSubmission(fmt::format("{}.{}", i, k), &random));
      }
      ASSERT_TRUE(stream->Write(i == 0 ? Header() : BatchOf(submissions)));
    }
    v1::GradeStreamResponse response;
    for (int64_t i = 1; i < reads; ++i) EXPECT_TRUE(stream->Read(&response));
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(RunStream(server.grading(), {Header()}).status.ok());
}

TEST(GradeStreamTest, TheDeadlineEndsAnIdleStream) {
  TestServer server;
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  const auto stream = server.grading().GradeStream(&context);
  stream->Write(Header());
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST(GradeStreamTest, WithoutADeadlineSilenceEndsAStream) {
  StreamServer server({}, 1, 1, {}, std::chrono::milliseconds(1));
  grpc::ClientContext context;  // without a deadline
  const grpc::Status status = server.stub().GradeStream(&context)->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(),
            "no message for 1 ms, which is the longest that a stream without a deadline of its own "
            "may be silent");
}

// In process there are no buffers on the way: the server waits for the client to read.
TEST(GradeStreamTest, WithoutADeadlineAClientThatDoesNotReadIsSilent) {
  StreamServer server({.max_unwritten_bytes = 1}, 1, 1, {}, std::chrono::milliseconds(300));
  grpc::ClientContext context;  // without a deadline
  const auto stream = server.stub().GradeStream(&context);
  ASSERT_TRUE(stream->Write(Header()));
  int written = 0;
  while (stream->Write(BatchOf({WithId(std::to_string(written))}))) ++written;
  EXPECT_FALSE(stream->Finish().ok());
}

// A drain lets a stream finish: what has been sent is graded, and more may be.
TEST(GradeStreamTest, ADrainWaitsForStreams) {
  TestServer server;
  TestContext context;
  const auto stream = server.grading().GradeStream(&context);
  ASSERT_TRUE(stream->Write(Header()));
  ASSERT_TRUE(stream->Write(BatchOf({WithId("before")})));
  v1::GradeStreamResponse response;
  ASSERT_TRUE(stream->Read(&response));
  std::thread drain([&] { server.server().Shutdown(std::chrono::minutes(1)); });
  EXPECT_TRUE(stream->Write(BatchOf({WithId("during")})));
  stream->WritesDone();
  EXPECT_TRUE(stream->Read(&response));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
  drain.join();
}

TEST(GradeStreamTest, AShutdownWithoutGraceEndsStreams) {
  TestServer server;
  TestContext context;
  const auto stream = server.grading().GradeStream(&context);
  ASSERT_TRUE(stream->Write(Header()));
  ASSERT_TRUE(stream->Write(BatchOf({WithId("s")})));
  v1::GradeStreamResponse response;
  ASSERT_TRUE(stream->Read(&response));
  server.server().Shutdown(std::chrono::milliseconds(0));
  EXPECT_FALSE(stream->Finish().ok());
}

}  // namespace
}  // namespace gradus::testing
