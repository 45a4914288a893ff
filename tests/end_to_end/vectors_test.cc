// Every test vector of the independent oracle, over a real socket: each intermediate value,
// gradient and update.

#include <cmath>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/test_server.h"
#include "tests/support/vector.h"

namespace gradus::testing {

// How gtest names a vector in a message.
void PrintTo(const Vector& vector, std::ostream* out) { *out << vector.name; }

namespace {

// What the oracle promises (tests/golden/vectors/README.md).
constexpr double kRelative = 1e-9;
constexpr double kRelativeAfterStep = 1e-8;
constexpr double kAbsolute = 1e-11;

class VectorsTest : public ::testing::TestWithParam<Vector> {};

using TraceMap = std::map<std::string, v1::Tensor>;

TraceMap ToMap(const v1::Trace& trace) {
  TraceMap map;
  for (const v1::TraceEntry& entry : trace.entries()) map[entry.address()] = entry.tensor();
  return map;
}

// The trace of all that the vector expects: of a Step if it has an optimizer, else of a Backward.
TraceMap Compute(TestServer& server, const Vector& vector) {
  TestContext context;
  if (vector.problem.has_optimizer()) {
    v1::StepRequest request;
    *request.mutable_problem() = vector.problem;
    for (const ExpectedQuantity& e : vector.expected) request.mutable_trace()->add_only(e.address);
    v1::StepResponse response;
    const grpc::Status status = server.gradient().Step(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return ToMap(response.trace());
  }
  v1::BackwardRequest request;
  *request.mutable_problem() = vector.problem;
  v1::BackwardResponse response;
  const grpc::Status status = server.gradient().Backward(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return ToMap(response.trace());
}

TEST_P(VectorsTest, AgreesOnEveryNumber) {
  static TestServer& server = *new TestServer();
  const Vector& vector = GetParam();
  const TraceMap trace = Compute(server, vector);
  ASSERT_FALSE(vector.expected.empty());
  for (const ExpectedQuantity& expected : vector.expected) {
    const auto found = trace.find(expected.address);
    ASSERT_NE(found, trace.end()) << expected.address;
    const v1::Tensor& tensor = found->second;
    EXPECT_EQ(std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end()), expected.shape)
        << expected.address;
    ASSERT_EQ(tensor.values_size(), static_cast<int>(expected.values.size())) << expected.address;
    const double relative = expected.after_step ? kRelativeAfterStep : kRelative;
    for (int i = 0; i < tensor.values_size(); ++i) {
      const double reference = expected.values[static_cast<size_t>(i)];
      EXPECT_NEAR(tensor.values(i), reference, kAbsolute + relative * std::abs(reference))
          << expected.address << ", element " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, VectorsTest,
                         ::testing::ValuesIn(LoadVectors(std::filesystem::path(GRADUS_SOURCE_DIR) /
                                                         "tests/golden/vectors")),
                         [](const ::testing::TestParamInfo<Vector>& info) {
                           return info.param.name;
                         });

}  // namespace
}  // namespace gradus::testing
