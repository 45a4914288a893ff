// What GradeFiles makes of servers that do not keep to the contract, or stop in the middle.

#include "client/grade_files.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "fmt/format.h"
#include "gradus/v1/grading_service.grpc.pb.h"
#include "server/transport/compute_pool.h"
#include "server/transport/gradient_service.h"
#include "tests/support/temporary_folder.h"

namespace gradus {
namespace {

enum class Fault {
  kSilent,     // never answers
  kForgetful,  // ends the stream without an answer
  kConfused,   // answers what was not asked, and neither well nor badly what was
};

class FaultyCall final
    : public grpc::ServerBidiReactor<v1::GradeStreamRequest, v1::GradeStreamResponse> {
 public:
  explicit FaultyCall(Fault fault) : fault_(fault) { StartRead(&request_); }

 private:
  void OnReadDone(bool ok) override {
    if (ok) return StartRead(&request_);
    if (fault_ == Fault::kSilent) return;
    if (fault_ == Fault::kForgetful) return Finish(grpc::Status::OK);
    response_.add_results()->set_submission_id("nobody");
    response_.add_results()->set_submission_id("a");
    StartWriteAndFinish(&response_, {}, grpc::Status::OK);
  }
  void OnCancel() override {
    if (fault_ == Fault::kSilent) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

  const Fault fault_;
  v1::GradeStreamRequest request_;
  v1::GradeStreamResponse response_;
};

class FaultyService final : public v1::GradingService::CallbackService {
 public:
  explicit FaultyService(Fault fault) : fault_(fault) {}

  grpc::ServerBidiReactor<v1::GradeStreamRequest, v1::GradeStreamResponse>* GradeStream(
      grpc::CallbackServerContext*) override {
    return new FaultyCall(fault_);
  }

 private:
  const Fault fault_;
};

// A server whose other service is sound.
std::unique_ptr<grpc::Server> Serve(GradientServiceImpl& gradient_service,
                                    grpc::Service& grading_service, int* port) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), port);
  builder.RegisterService(&gradient_service);
  builder.RegisterService(&grading_service);
  return builder.BuildAndStart();
}

// What GradeFiles returns, and before it what its sink got, for two submissions, "a" and "b".
std::vector<std::string> Grade(Fault fault) {
  ComputePool pool(1, 1);
  const CallSettings settings;
  GradientServiceImpl gradient_service(settings, Limits{}, pool);
  FaultyService grading_service(fault);
  int port = 0;
  const std::unique_ptr<grpc::Server> server = Serve(gradient_service, grading_service, &port);

  const TemporaryFolder folder;
  const std::vector<std::string> files = {folder.Write("a.txtpb", "id: 'a'"),
                                          folder.Write("b.txtpb", "id: 'b'")};
  // The longest wait matters to the silent server only.
  const auto connection =
      Connection::Open({.server = "127.0.0.1:" + std::to_string(port),
                        .timeout = std::chrono::seconds(fault == Fault::kSilent ? 1 : 60)});
  EXPECT_TRUE(connection.ok()) << connection.status();
  std::vector<std::string> said;
  const auto sink = [&](const std::string& file, const absl::StatusOr<v1::GradeReport>& report) {
    const std::string message(report.status().message());
    EXPECT_TRUE(message.starts_with(file + ": ")) << message;
    said.push_back(message.substr(folder.PathOf("").size()));
  };
  const absl::Status status = GradeFiles(*connection, v1::GradeStreamHeader(), files, sink);
  said.emplace_back(status.ok() ? "done" : absl::StatusCodeToString(status.code()));
  return said;
}

// A server that keeps stopping: each call answers one submission, if that many are left to be
// answered, and ends UNAVAILABLE with others unanswered.
class StoppingCall final
    : public grpc::ServerBidiReactor<v1::GradeStreamRequest, v1::GradeStreamResponse> {
 public:
  StoppingCall(int& answers_left, std::map<std::string, int>& answers)
      : answers_left_(answers_left), answers_(answers) {
    StartRead(&request_);
  }

 private:
  void OnReadDone(bool ok) override {
    // The client has no more to send, or this is the header.
    if (!ok) return Finish(grpc::Status::OK);
    if (!request_.has_batch()) return StartRead(&request_);
    if (answers_left_ == 0) return Stop();
    --answers_left_;
    // The last that was sent, so that what is missing lies between what is answered.
    const v1::Submission& submission = *request_.batch().submissions().rbegin();
    ++answers_[submission.id()];
    v1::SubmissionResult* result = response_.add_results();
    result->set_submission_id(submission.id());
    result->mutable_report();
    StartWrite(&response_);
  }
  void OnWriteDone(bool) override { Stop(); }
  void Stop() { Finish({grpc::StatusCode::UNAVAILABLE, "stopped"}); }
  void OnDone() override { delete this; }

  int& answers_left_;
  std::map<std::string, int>& answers_;
  v1::GradeStreamRequest request_;
  v1::GradeStreamResponse response_;
};

class StoppingService final : public v1::GradingService::CallbackService {
 public:
  explicit StoppingService(int answers) : answers_left_(answers) {}

  grpc::ServerBidiReactor<v1::GradeStreamRequest, v1::GradeStreamResponse>* GradeStream(
      grpc::CallbackServerContext*) override {
    return new StoppingCall(answers_left_, answers_);
  }

  // How often each id was answered.
  const std::map<std::string, int>& answers() const { return answers_; }

 private:
  int answers_left_;
  std::map<std::string, int> answers_;
};

// 40 files, more than a batch, most of them without an id of their own, against a server that stops
// after each of so many answers.
struct Stopped {
  absl::Status status;
  std::vector<std::string> reported;  // names of files with reports
  std::map<std::string, int> answers;
};

Stopped GradeBy(int answers) {
  ComputePool pool(1, 1);
  const CallSettings settings;
  GradientServiceImpl gradient_service(settings, Limits{}, pool);
  StoppingService grading_service(answers);
  int port = 0;
  const std::unique_ptr<grpc::Server> server = Serve(gradient_service, grading_service, &port);

  const TemporaryFolder folder;
  std::vector<std::string> files;
  for (int i = 0; i < 40; ++i) {
    files.push_back(
        folder.Write(fmt::format("{:02}.txtpb", i), i % 8 == 0 ? "id: 'same'" : "id: ''"));
  }
  Stopped stopped;
  const auto sink = [&](const std::string& file, const absl::StatusOr<v1::GradeReport>& report) {
    EXPECT_TRUE(report.ok()) << report.status();
    stopped.reported.push_back(file.substr(folder.PathOf("").size()));
  };
  const auto connection = Connection::Open({.server = "127.0.0.1:" + std::to_string(port)});
  EXPECT_TRUE(connection.ok()) << connection.status();
  stopped.status = GradeFiles(*connection, v1::GradeStreamHeader(), files, sink);
  server->Shutdown();
  stopped.answers = grading_service.answers();
  return stopped;
}

TEST(GradeFiles, WhatAServerLeavesWhenItStopsIsSentAgainAndNothingElse) {
  const Stopped stopped = GradeBy(40);
  EXPECT_TRUE(stopped.status.ok()) << stopped.status;
  std::vector<std::string> all;
  for (int i = 0; i < 40; ++i) all.push_back(fmt::format("{:02}.txtpb", i));
  EXPECT_EQ(stopped.reported, all);
  EXPECT_EQ(stopped.answers.size(), 40U);
  for (const auto& [id, count] : stopped.answers) EXPECT_EQ(count, 1) << id;
}

// After some seconds.
TEST(GradeFiles, AServerThatStaysAwayIsGivenUp) {
  const Stopped stopped = GradeBy(3);
  EXPECT_EQ(stopped.status.code(), absl::StatusCode::kUnavailable) << stopped.status;
  EXPECT_EQ(stopped.reported.size(), 3U);
}

TEST(GradeFiles, ASilentServerIsGivenUp) {
  EXPECT_EQ(Grade(Fault::kSilent), std::vector<std::string>{"DEADLINE_EXCEEDED"});
}

TEST(GradeFiles, WhatIsNotAnsweredIsSaid) {
  EXPECT_EQ(
      Grade(Fault::kForgetful),
      (std::vector<std::string>{"a.txtpb: the server did not answer this submission",
                                "b.txtpb: the server did not answer this submission", "done"}));
}

TEST(GradeFiles, AnswersToNothingAreNoAnswers) {
  EXPECT_EQ(
      Grade(Fault::kConfused),
      (std::vector<std::string>{"a.txtpb: the server sent neither a report nor an error",
                                "b.txtpb: the server did not answer this submission", "done"}));
}

}  // namespace
}  // namespace gradus
