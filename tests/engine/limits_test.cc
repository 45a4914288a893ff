#include "server/engine/limits.h"

#include <string>

#include "gtest/gtest.h"

#include "server/engine/evaluation.h"
#include "server/status/field_error.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using testing::FromText;

std::string MessageOf(const v1::Problem& problem, const Limits& limits) {
  v1::BackwardRequest request;
  *request.mutable_problem() = problem;
  const auto evaluation = Prepare(request, limits);
  EXPECT_FALSE(evaluation.ok());
  EXPECT_EQ(evaluation.status().code(), absl::StatusCode::kInvalidArgument);
  const auto violation = GetFieldViolation(evaluation.status());
  EXPECT_TRUE(violation.has_value() && violation->reason == Reason::kLimitExceeded);
  return std::string(evaluation.status().message());
}

// x [n, 1] + y [1, n]: a small request that would make n * n numbers.
v1::Problem OuterSum(int n) {
  auto problem = FromText<v1::Problem>(R"pb(
    network {
      inputs { name: "x" }
      inputs { name: "y" }
      nodes {
        name: "outer"
        inputs: "x"
        inputs: "y"
        add {}
      }
      nodes {
        name: "total"
        inputs: "outer"
        sum {}
      }
    }
    inputs {
      name: "x"
      tensor {}
    }
    inputs {
      name: "y"
      tensor {}
    }
    objective: "total"
  )pb");
  for (int i = 0; i < 2; ++i) {
    v1::Tensor* tensor = problem.mutable_inputs(i)->mutable_tensor();
    tensor->add_shape(i == 0 ? n : 1);
    tensor->add_shape(i == 0 ? 1 : n);
    for (int k = 0; k < n; ++k) tensor->add_values(1);
  }
  return problem;
}

TEST(LimitsTest, TensorOfANode) {
  Limits limits;
  limits.max_tensor_elements = 99;
  EXPECT_EQ(MessageOf(OuterSum(10), limits),
            "network.nodes[0] 'outer': its output of shape [10, 10] has more elements than the "
            "limit of 99");
}

TEST(LimitsTest, DefaultsRefuseABroadcastBomb) {
  EXPECT_EQ(MessageOf(OuterSum(100'000), Limits()),
            "network.nodes[0] 'outer': its output of shape [100000, 100000] has more elements than "
            "the limit of 16777216");
}

TEST(LimitsTest, GivenTensor) {
  Limits limits;
  limits.max_tensor_elements = 9;
  EXPECT_EQ(MessageOf(OuterSum(10), limits),
            "inputs[0].tensor.shape 'x': shape [10, 1] has more elements than the limit of 9");
}

TEST(LimitsTest, Bytes) {
  Limits limits;
  limits.max_bytes = 1000;
  EXPECT_EQ(MessageOf(OuterSum(10), limits),
            "network: computing this takes 4840 bytes, the limit is 1000");
}

TEST(LimitsTest, Response) {
  Limits limits;
  limits.max_response_bytes = 1000;
  EXPECT_EQ(
      MessageOf(OuterSum(10), limits),
      "trace: returning this takes 1936 bytes, the limit is 1000; name what you need in only");
}

TEST(LimitsTest, Flops) {
  Limits limits;
  limits.max_flops = 100;
  EXPECT_EQ(MessageOf(OuterSum(10), limits),
            "network: computing this takes about 5e+02 floating-point operations, the limit is "
            "1e+02");
}

TEST(LimitsTest, Names) {
  Limits limits;
  limits.max_names = 3;
  EXPECT_EQ(MessageOf(OuterSum(1), limits),
            "network: 4 inputs, parameters and nodes, the limit is 3");
}

TEST(LimitsTest, Operands) {
  Limits limits;
  limits.max_operands = 2;
  EXPECT_EQ(MessageOf(OuterSum(1), limits), "network.nodes: 3 operands, the limit is 2");
}

}  // namespace
}  // namespace gradus
