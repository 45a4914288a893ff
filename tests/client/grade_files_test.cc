// What GradeFiles makes of servers that do not keep to the contract.

#include "client/grade_files.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

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

// What GradeFiles returns, and before it what its sink got, for two submissions, "a" and "b".
std::vector<std::string> Grade(Fault fault) {
  ComputePool pool(1, 1);
  const CallSettings settings;
  GradientServiceImpl gradient_service(settings, Limits{}, pool);
  FaultyService grading_service(fault);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&gradient_service);
  builder.RegisterService(&grading_service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();

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
