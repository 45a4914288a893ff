// The example files are documentation, so they must work.

#include <string>

#include "gtest/gtest.h"

#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

v1::StepResponse StepOf(const std::string& file) {
  static TestServer& server = *new TestServer();
  TestContext context;
  v1::StepRequest request;
  *request.mutable_problem() = FromFile<v1::Problem>(file);
  request.mutable_trace()->add_only(request.problem().objective());
  request.mutable_trace()->add_only(request.problem().objective() + "@1");
  for (const v1::Parameter& parameter : request.problem().network().parameters()) {
    request.mutable_trace()->add_only("grad(" + parameter.name() + ")");
  }
  v1::StepResponse response;
  const grpc::Status status = server.gradient().Step(&context, request, &response);
  EXPECT_TRUE(status.ok()) << file << ": " << status.error_message();
  return response;
}

// A step downhill lowers the objective only if the gradients are right in direction at least; their
// values are checked by check_test.cc and by the vectors.
class NetworkTest : public ::testing::TestWithParam<std::string> {};

TEST_P(NetworkTest, AStepLowersTheObjective) {
  const v1::StepResponse response = StepOf("examples/networks/" + GetParam() + ".txtpb");
  const auto& entries = response.trace().entries();
  ASSERT_GE(entries.size(), 3);
  EXPECT_LT(entries[entries.size() - 1].tensor().values(0), entries[0].tensor().values(0));
}

INSTANTIATE_TEST_SUITE_P(Examples, NetworkTest,
                         ::testing::Values("convolution", "lstm", "regularised", "shared_bias",
                                           "tied_weights", "transformer_block", "unrolled_rnn"));

}  // namespace
}  // namespace gradus::testing
