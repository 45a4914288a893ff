// Every test vector of the independent oracle, over a real socket: each intermediate value,
// gradient and update; in float; and example by example.

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/project_file.h"
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

class VectorsTest : public ::testing::TestWithParam<Vector> {
 protected:
  static TestServer& server() {
    static TestServer& server = *new TestServer();
    return server;
  }
};

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
  const Vector& vector = GetParam();
  const TraceMap trace = Compute(server(), vector);
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

// The same network in float32 agrees to float32's accuracy: of each tensor, to some units in the
// last place of its largest element.
TEST_P(VectorsTest, AgreesInFloat) {
  constexpr double kFloat = 2e-5;
  Vector vector = GetParam();
  vector.problem.set_precision(v1::PRECISION_FLOAT);
  const TraceMap trace = Compute(server(), vector);
  for (const ExpectedQuantity& expected : vector.expected) {
    ASSERT_TRUE(trace.contains(expected.address)) << expected.address;
    const v1::Tensor& tensor = trace.at(expected.address);
    double largest = 1e-3;
    for (const double x : expected.values) largest = std::max(largest, std::abs(x));
    for (int i = 0; i < tensor.values_size(); ++i) {
      EXPECT_NEAR(tensor.values(i), expected.values[static_cast<size_t>(i)], kFloat * largest)
          << expected.address << ", element " << i;
    }
  }
}

// Element `example` of axis 0, which stays with length 1.
v1::Tensor ExampleOf(const v1::Tensor& batch, int64_t example) {
  v1::Tensor one = batch;
  one.set_shape(0, 1);
  const int64_t size = batch.values_size() / batch.shape(0);
  one.clear_values();
  for (int64_t i = 0; i < size; ++i) {
    one.add_values(batch.values(static_cast<int>(example * size + i)));
  }
  return one;
}

// One example at a time gives what the batch gives, for every value that has the batch axis.
TEST_P(VectorsTest, ExamplesStackedAreTheBatch) {
  const v1::Problem& problem = GetParam().problem;
  int64_t count = 0;
  for (const v1::NamedTensor& input : problem.inputs()) {
    const int64_t length = input.tensor().shape_size() > 0 ? input.tensor().shape(0) : 0;
    if (count == 0) count = length;
    if (length != count) GTEST_SKIP() << "inputs have no common batch axis";
  }
  for (const v1::Node& node : problem.network().nodes()) {
    if (node.has_batch_norm()) GTEST_SKIP() << "examples of a batch see each other";
    if (node.has_reshape()) GTEST_SKIP() << "the batch's length is an attribute";
  }
  v1::ForwardRequest request;
  *request.mutable_problem() = problem;
  const auto forward = [&] {
    TestContext context;
    v1::ForwardResponse response;
    const grpc::Status status = server().gradient().Forward(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return ToMap(response.trace());
  };
  const TraceMap batch = forward();
  int compared = 0;
  for (int64_t example = 0; example < count; ++example) {
    for (int i = 0; i < problem.inputs_size(); ++i) {
      *request.mutable_problem()->mutable_inputs(i)->mutable_tensor() =
          ExampleOf(problem.inputs(i).tensor(), example);
    }
    const TraceMap one = forward();
    for (const auto& [address, tensor] : batch) {
      if (tensor.shape_size() == 0 || tensor.shape(0) != count) continue;
      const v1::Tensor expected = ExampleOf(tensor, example);
      const v1::Tensor& found = one.at(address);
      ASSERT_EQ(found.values_size(), expected.values_size()) << address;
      for (int i = 0; i < found.values_size(); ++i) {
        EXPECT_NEAR(found.values(i), expected.values(i), 1e-13 * (1 + std::abs(expected.values(i))))
            << address;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 0);
}

INSTANTIATE_TEST_SUITE_P(Golden, VectorsTest,
                         ::testing::ValuesIn(LoadVectors(ProjectFile("tests/golden/vectors"))),
                         [](const ::testing::TestParamInfo<Vector>& info) {
                           return info.param.name;
                         });

}  // namespace
}  // namespace gradus::testing
