#include "server/engine/limits.h"

#include <string>

#include "gmock/gmock.h"
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
            "the limit of 4194304");
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
            "network: computing this takes about 12524 bytes, the limit is 1000");
}

TEST(LimitsTest, Response) {
  Limits limits;
  limits.max_response_bytes = 1000;
  EXPECT_EQ(
      MessageOf(OuterSum(10), limits),
      "trace: returning this takes about 2484 bytes, the limit is 1000; name what you need in "
      "only");
}

TEST(LimitsTest, Flops) {
  Limits limits;
  limits.max_flops = 100;
  EXPECT_EQ(MessageOf(OuterSum(10), limits),
            "network: computing this takes about 7.4e+03 floating-point operations, the limit is "
            "1e+02");
}

// Former bug: the cost of a sum did not depend on the count of what is summed.
TEST(LimitsTest, EveryOperandCosts) {
  v1::Problem problem = OuterSum(1000);
  v1::Node* node = problem.mutable_network()->mutable_nodes(0);
  for (int i = 0; i < 10'000; ++i) node->add_inputs("x");
  EXPECT_EQ(MessageOf(problem, Limits()),
            "network: computing this takes about 8e+10 floating-point operations, the limit is "
            "1e+10");
}

// Former bug: only numbers counted, not the names around them.
TEST(LimitsTest, NamesInTheResponse) {
  v1::StepRequest request;
  v1::Problem& problem = *request.mutable_problem();
  problem = OuterSum(1);
  problem.mutable_optimizer()->mutable_sgd()->set_learning_rate(1);
  for (int i = 0; i < 1000; ++i) {
    v1::Node* node = problem.mutable_network()->add_nodes();
    node->set_name(std::string(100, 'n') + std::to_string(i));
    node->add_inputs("x");
    node->mutable_identity();
    problem.add_batches();
  }
  const auto evaluation = Prepare(request, Limits());
  EXPECT_EQ(evaluation.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(evaluation.status().message()),
              ::testing::StartsWith("trace: returning this takes about"));
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
