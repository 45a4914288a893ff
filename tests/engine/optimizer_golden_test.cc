// Every optimizer against numbers that PyTorch or NumPy made (tests/golden/optimizers): parameters
// after each update, state after the last.
#include <atomic>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include <nlohmann/json.hpp>

#include "server/engine/evaluation.h"
#include "tests/support/project_file.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using nlohmann::json;

constexpr double kRelative = 1e-12;
constexpr double kAbsolute = 1e-14;

const json& Golden() {
  static const json* const kGolden = [] {
    std::ifstream file(ProjectFile("tests/golden/optimizers/cases.json"));
    return new json(json::parse(file));
  }();
  return *kGolden;
}

v1::Tensor TensorOf(const json& values) {
  v1::Tensor tensor;
  tensor.add_shape(static_cast<int64_t>(values.size()));
  for (const double value : values) tensor.add_values(value);
  return tensor;
}

// The objective is w . gw + b . gb, so that the inputs are the gradients.
v1::StepRequest RequestOf(const json& golden_case) {
  auto request = FromText<v1::StepRequest>(R"pb(
    problem {
      network {
        inputs { name: "gw" }
        inputs { name: "gb" }
        nodes {
          name: "wg"
          inputs: [ "w", "gw" ]
          mat_mul {}
        }
        nodes {
          name: "bg"
          inputs: [ "b", "gb" ]
          mat_mul {}
        }
        nodes {
          name: "L"
          inputs: [ "wg", "bg" ]
          add {}
        }
      }
      objective: "L"
    })pb");
  v1::Problem& problem = *request.mutable_problem();
  *problem.mutable_optimizer() =
      FromText<v1::Optimizer>(golden_case.at("optimizer").get<std::string>());
  for (const char* name : {"w", "b"}) {
    v1::Parameter* parameter = problem.mutable_network()->add_parameters();
    parameter->set_name(name);
    *parameter->mutable_value() = TensorOf(Golden().at(name));
  }
  for (const json& gradients : Golden().at("gradients")) {
    v1::Batch* batch = problem.add_batches();
    for (const char* name : {"w", "b"}) {
      v1::NamedTensor* input = batch->add_inputs();
      input->set_name(std::string("g") + name);
      *input->mutable_tensor() = TensorOf(gradients.at(name));
    }
  }
  *problem.mutable_inputs() = problem.batches(0).inputs();
  return request;
}

v1::StepResponse ComputeStep(const v1::StepRequest& request) {
  v1::StepResponse response;
  const auto evaluation = Prepare(request, Limits());
  EXPECT_TRUE(evaluation.ok()) << evaluation.status();
  if (!evaluation.ok()) return response;
  const std::atomic<bool> cancelled = false;
  const absl::Status status = Run(*evaluation, cancelled, &response);
  EXPECT_TRUE(status.ok()) << status;
  return response;
}

void ExpectNear(const v1::Tensor& tensor, const json& expected, const std::string& what) {
  ASSERT_EQ(static_cast<size_t>(tensor.values_size()), expected.size()) << what;
  for (int i = 0; i < tensor.values_size(); ++i) {
    const double reference = expected.at(static_cast<size_t>(i));
    EXPECT_NEAR(tensor.values(i), reference, kAbsolute + kRelative * std::abs(reference))
        << what << " element " << i;
  }
}

void ExpectState(const v1::OptimizerState& state, const json& expected) {
  EXPECT_EQ(state.update_count(), static_cast<int64_t>(Golden().at("gradients").size()));
  EXPECT_EQ(state.parameters_size(), expected.empty() ? 0 : 2);
  for (const v1::ParameterState& parameter : state.parameters()) {
    EXPECT_EQ(static_cast<size_t>(parameter.slots_size()), expected.size());
    for (const v1::NamedTensor& slot : parameter.slots()) {
      ASSERT_TRUE(expected.contains(slot.name())) << slot.name();
      ExpectNear(slot.tensor(), expected.at(slot.name()).at(parameter.parameter()),
                 parameter.parameter() + "." + slot.name());
    }
  }
}

class OptimizerGoldenTest : public ::testing::TestWithParam<size_t> {};

TEST_P(OptimizerGoldenTest, AgreesAfterEveryUpdate) {
  const json& golden_case = Golden().at("cases").at(GetParam());
  const v1::StepResponse response = ComputeStep(RequestOf(golden_case));
  std::map<std::string, v1::Tensor> trace;
  for (const auto& entry : response.trace().entries()) trace[entry.address()] = entry.tensor();
  const json& updates = golden_case.at("updates");
  for (size_t k = 0; k < updates.size(); ++k) {
    for (const char* name : {"w", "b"}) {
      const std::string at = k == 0 ? "" : "@" + std::to_string(k);
      const std::string address = std::string("next(") + name + ")" + at;
      ASSERT_TRUE(trace.contains(address)) << address;
      ExpectNear(trace[address], updates.at(k).at(name), address);
    }
  }
  ExpectState(response.optimizer_state(), golden_case.at("state"));
}

// The state that one Step returns is all that the next one needs: the same bits as in one go.
TEST_P(OptimizerGoldenTest, GoesOnFromTheStateOfTheLastStep) {
  const v1::StepRequest at_once = RequestOf(Golden().at("cases").at(GetParam()));
  v1::StepRequest request = at_once;
  v1::StepResponse response;
  for (const v1::Batch& batch : at_once.problem().batches()) {
    v1::Problem& problem = *request.mutable_problem();
    problem.clear_batches();
    *problem.add_batches() = batch;
    response = ComputeStep(request);
    *problem.mutable_optimizer_state() = response.optimizer_state();
    for (int i = 0; i < response.parameters_size(); ++i) {
      *problem.mutable_network()->mutable_parameters(i)->mutable_value() =
          response.parameters(i).tensor();
    }
  }
  const v1::StepResponse expected = ComputeStep(at_once);
  EXPECT_EQ(response.optimizer_state().SerializeAsString(),
            expected.optimizer_state().SerializeAsString());
  for (int i = 0; i < expected.parameters_size(); ++i) {
    EXPECT_EQ(response.parameters(i).SerializeAsString(),
              expected.parameters(i).SerializeAsString());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Golden, OptimizerGoldenTest, ::testing::Range<size_t>(0, Golden().at("cases").size()),
    [](const auto& info) {
      return Golden().at("cases").at(info.param).at("name").template get<std::string>();
    });

// A frozen parameter keeps value and state, and does not count in the global norm.
TEST(OptimizerTest, LeavesFrozenParametersAlone) {
  const json golden_case = {
      {"optimizer", "sgd { learning_rate: 1 momentum: 0.5 } clipping { global_norm: 1 }"}};
  v1::StepRequest request = RequestOf(golden_case);
  v1::Problem& problem = *request.mutable_problem();
  problem.mutable_network()->mutable_parameters(0)->set_frozen(true);
  problem.clear_batches();
  *problem.mutable_inputs(1)->mutable_tensor() = TensorOf({3, 4});
  *problem.mutable_optimizer_state() = FromText<v1::OptimizerState>(R"pb(
    update_count: 7
    parameters {
      parameter: "w"
      slots {
        name: "velocity"
        tensor {
          shape: 3
          values: [ 1, 2, 3 ]
        }
      }
    })pb");
  const v1::StepResponse response = ComputeStep(request);
  ExpectNear(response.parameters(0).tensor(), Golden().at("w"), "w");
  ExpectNear(response.parameters(1).tensor(), {0.1 - 0.6, -0.3 - 0.8}, "b");
  EXPECT_EQ(response.optimizer_state().update_count(), 8);
  ExpectNear(response.optimizer_state().parameters(0).slots(0).tensor(), {1, 2, 3},
             "velocity of w");
  ExpectNear(response.optimizer_state().parameters(1).slots(0).tensor(), {0.6, 0.8},
             "velocity of b");
}

// The mean of the squares less the square of the mean is 0 for a constant gradient, and below it by
// rounding.
TEST(OptimizerTest, CenteredRmsPropStaysANumber) {
  v1::StepRequest request =
      RequestOf({{"optimizer", "rms_prop { learning_rate: 0.001 decay: 0.5 centered: true }"}});
  v1::Problem& problem = *request.mutable_problem();
  *problem.mutable_inputs(0)->mutable_tensor() = TensorOf({0.7, 0.1, 1e-3});
  problem.clear_batches();
  for (int i = 0; i < 200; ++i) problem.add_batches();
  for (const v1::Precision precision : {v1::PRECISION_DOUBLE, v1::PRECISION_FLOAT}) {
    problem.set_precision(precision);
    const v1::StepResponse response = ComputeStep(request);
    EXPECT_EQ(response.trace().non_finite_size(), 0) << response.trace().non_finite(0);
  }
}

// 3e200 squared is more than a double holds; clipping is for gradients like that.
TEST(OptimizerTest, ClipsWhatExplodes) {
  v1::StepRequest request =
      RequestOf({{"optimizer", "sgd { learning_rate: 1 } clipping { norm: 1 }"}});
  request.mutable_problem()->clear_batches();
  *request.mutable_problem()->mutable_inputs(1)->mutable_tensor() = TensorOf({3e200, 4e200});
  ExpectNear(ComputeStep(request).parameters(1).tensor(), {0.1 - 0.6, -0.3 - 0.8}, "b");
  request.mutable_problem()->mutable_optimizer()->mutable_clipping()->set_global_norm(1);
  ExpectNear(ComputeStep(request).parameters(1).tensor(), {0.1 - 0.6, -0.3 - 0.8}, "b");
}

// What is pinned of the state acts on the parameter.
TEST(OptimizerTest, ComputesTheParameterFromAPinnedState) {
  const json golden_case = {{"optimizer", "sgd { learning_rate: 0.5 momentum: 0.9 }"}};
  v1::StepRequest request = RequestOf(golden_case);
  request.mutable_problem()->clear_batches();
  *request.add_pins() = FromText<v1::Pin>(R"pb(address: "state(b).velocity"
                                               value {
                                                 shape: 2
                                                 values: [ 2, -4 ]
                                               })pb");
  const v1::StepResponse response = ComputeStep(request);
  ExpectNear(response.parameters(1).tensor(), {0.1 - 1, -0.3 + 2}, "b");
}

TEST(OptimizerTest, ChecksTheGivenState) {
  const struct {
    const char* optimizer;
    const char* state;
    const char* message;
  } kCases[] = {
      {"sgd { learning_rate: 1 }", "parameters { parameter: 'w' }",
       "optimizer_state.parameters: this optimizer keeps no state"},
      {"adam { learning_rate: 1 }", "parameters { parameter: 'L' }",
       "optimizer_state.parameters[0].parameter: no parameter is named 'L'"},
      {"adam { learning_rate: 1 }", "parameters { parameter: 'w' } parameters { parameter: 'w' }",
       "optimizer_state.parameters[1].parameter 'w': given before"},
      {"adam { learning_rate: 1 }", "parameters { parameter: 'w' slots { name: 'u' } }",
       "optimizer_state.parameters[0].slots[0].name 'u': the optimizer keeps m, v"},
      {"adam { learning_rate: 1 }",
       "parameters { parameter: 'w' slots { name: 'm' tensor { shape: 2 values: [ 1, 2 ] } } }",
       "optimizer_state.parameters[0].slots[0].tensor 'm': has shape [2], parameter 'w' has [3]"},
      {"adam { learning_rate: 1 }",
       "parameters { parameter: 'b' slots { name: 'm' tensor { shape: 2 values: [ 1, 2 ] } } "
       "slots { name: 'm' tensor { shape: 2 values: [ 1, 2 ] } } }",
       "optimizer_state.parameters[0].slots[1].name 'm': given before"},
      {"adam { learning_rate: 1 }", "update_count: -1",
       "optimizer_state.update_count: -1 is not from 0 to 9007199254740992"},
  };
  for (const auto& c : kCases) {
    v1::StepRequest request = RequestOf({{"optimizer", c.optimizer}});
    *request.mutable_problem()->mutable_optimizer_state() = FromText<v1::OptimizerState>(c.state);
    const auto evaluation = Prepare(request, Limits());
    ASSERT_FALSE(evaluation.ok()) << c.message;
    EXPECT_EQ(evaluation.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(std::string(evaluation.status().message()), c.message);
  }
}

}  // namespace
}  // namespace gradus::testing
