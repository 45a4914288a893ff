#ifndef GRADUS_TESTS_SUPPORT_TEST_SERVER_H_
#define GRADUS_TESTS_SUPPORT_TEST_SERVER_H_

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <grpcpp/grpcpp.h>

#include "gradus/v1/gradient_service.grpc.pb.h"
#include "gradus/v1/grading_service.grpc.pb.h"
#include "server/transport/server.h"

namespace gradus::testing {

// A server on a free port of the loopback address, and a client that reaches it through a real
// socket.
class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}) {
    options.listen_address = "127.0.0.1:0";
    auto server = Server::Start(options);
    if (!server.ok()) throw std::runtime_error(server.status().ToString());
    server_ = *std::move(server);
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(64 * 1024 * 1024);
    channel_ = grpc::CreateCustomChannel(address(), grpc::InsecureChannelCredentials(), arguments);
    gradient_ = v1::GradientService::NewStub(channel_);
    grading_ = v1::GradingService::NewStub(channel_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  Server& server() { return *server_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  v1::GradientService::Stub& gradient() { return *gradient_; }
  v1::GradingService::Stub& grading() { return *grading_; }

 private:
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::GradientService::Stub> gradient_;
  std::unique_ptr<v1::GradingService::Stub> grading_;
};

// A call's context with a deadline, so that no test hangs. It waits for the connection: now and
// then the first attempt to connect fails on a busy machine, and gRPC tries again only for calls
// that wait.
class TestContext : public grpc::ClientContext {
 public:
  TestContext() {
    set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    set_wait_for_ready(true);
  }
};

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_TEST_SERVER_H_
