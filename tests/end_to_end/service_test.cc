// What a client may expect of the service around the computation.

#include <set>
#include <string>

#include "gtest/gtest.h"

#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

TEST(ServiceTest, RpcsOfLaterVersionsSayThatTheyAre) {
  TestServer server;
  const auto expect_unimplemented = [](const grpc::Status& status, const std::string& rpc) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_EQ(status.error_message(),
              rpc + " is declared, but this version does not implement it yet");
  };
  {
    TestContext context;
    v1::ExplainResponse response;
    expect_unimplemented(server.gradient().Explain(&context, {}, &response), "Explain");
  }
  {
    TestContext context;
    expect_unimplemented(server.gradient().StreamTrace(&context, {})->Finish(), "StreamTrace");
  }
}

TEST(ServiceTest, LimitsCanBeAskedFor) {
  ServerOptions options;
  options.limits.max_names = 77;
  TestServer server(options);
  TestContext context;
  v1::GetLimitsResponse response;
  ASSERT_TRUE(server.gradient().GetLimits(&context, {}, &response).ok());
  EXPECT_EQ(response.max_name_count(), 77);
  EXPECT_FALSE(response.version().empty());
}

// Small requests are computed on gRPC's thread, large ones on the pool: the answers must not
// differ.
TEST(ServiceTest, InlineAndPooledAnswersAreTheSame) {
  TestServer server;
  v1::BackwardRequest small;
  *small.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  v1::BackwardRequest large = small;
  v1::Network* network = large.mutable_problem()->mutable_network();
  for (int i = 0; i < 100; ++i) {
    v1::Node* node = network->add_nodes();
    node->set_name("unread" + std::to_string(i));
    node->add_inputs("x");
    node->mutable_identity();
  }
  for (const char* address : {"L", "grad(W1)", "grad(x)"}) {
    small.mutable_trace()->add_only(address);
    large.mutable_trace()->add_only(address);
  }
  v1::BackwardResponse inline_response;
  v1::BackwardResponse pooled_response;
  TestContext inline_context;
  TestContext pooled_context;
  ASSERT_TRUE(server.gradient().Backward(&inline_context, small, &inline_response).ok());
  ASSERT_TRUE(server.gradient().Backward(&pooled_context, large, &pooled_response).ok());
  EXPECT_EQ(inline_response.trace().entries_size(), 3);
  EXPECT_EQ(inline_response.SerializeAsString(), pooled_response.SerializeAsString());
}

TEST(ServiceTest, InProcessIsTheSameService) {
  TestServer server;
  const auto stub = v1::GradientService::NewStub(server.server().InProcessChannel());
  v1::BackwardRequest request;
  *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  v1::BackwardResponse in_process;
  v1::BackwardResponse over_socket;
  TestContext in_process_context;
  TestContext socket_context;
  ASSERT_TRUE(stub->Backward(&in_process_context, request, &in_process).ok());
  ASSERT_TRUE(server.gradient().Backward(&socket_context, request, &over_socket).ok());
  EXPECT_EQ(in_process.SerializeAsString(), over_socket.SerializeAsString());
}

TEST(ServiceTest, APortInUseIsRefused) {
  TestServer first;
  ServerOptions options;
  options.listen_address = first.address();
  const auto second = Server::Start(options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.status().message(), "cannot listen on " + first.address());
}

TEST(ServiceTest, AfterShutdownCallsAreUnavailable) {
  TestServer server;
  server.server().Shutdown(std::chrono::milliseconds(0));
  TestContext context;
  context.set_wait_for_ready(false);
  v1::GetLimitsResponse response;
  EXPECT_EQ(server.gradient().GetLimits(&context, {}, &response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace gradus::testing
