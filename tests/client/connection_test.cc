// What calls of a Connection do when a server has no time for them, over a real socket.

#include "client/connection.h"

#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "gradus/v1/gradient_service.grpc.pb.h"

namespace gradus {
namespace {

// Refuses the first calls.
class BusyService final : public v1::GradientService::Service {
 public:
  BusyService(int refusals, grpc::StatusCode code) : refusals_(refusals), code_(code) {}

  grpc::Status GetLimits(grpc::ServerContext*, const v1::GetLimitsRequest*,
                         v1::GetLimitsResponse*) override {
    return ++calls_ > refusals_ ? grpc::Status::OK : grpc::Status(code_, "busy");
  }

  int calls() const { return calls_; }

 private:
  const int refusals_;
  const grpc::StatusCode code_;
  int calls_ = 0;
};

// The code that a call ends with.
absl::StatusCode Call(BusyService& service) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto connection = Connection::Open({.server = "127.0.0.1:" + std::to_string(port)});
  EXPECT_TRUE(connection.ok()) << connection.status();
  return connection->Call(&v1::GradientService::Stub::GetLimits, v1::GetLimitsRequest())
      .status()
      .code();
}

TEST(Connection, ACallIsMadeAgainWhereItIsNotServed) {
  BusyService service(4, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Call(service), absl::StatusCode::kOk);
  EXPECT_EQ(service.calls(), 5);
}

TEST(Connection, ItIsGivenUpAfterFourTimes) {
  BusyService service(100, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Call(service), absl::StatusCode::kUnavailable);
  EXPECT_EQ(service.calls(), 5);
}

TEST(Connection, OtherErrorsAreFinal) {
  BusyService service(100, grpc::StatusCode::INTERNAL);
  EXPECT_EQ(Call(service), absl::StatusCode::kInternal);
  EXPECT_EQ(service.calls(), 1);
}

}  // namespace
}  // namespace gradus
