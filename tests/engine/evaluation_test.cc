#include "server/engine/evaluation.h"

#include <atomic>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using testing::FromFile;
using testing::FromText;
using ::testing::Pointwise;
using ::testing::StartsWith;

using Numbers = std::vector<double>;
using TraceMap = std::map<std::string, Numbers>;

template <class Request, class Response>
absl::Status TryRun(const Request& request, Response* response) {
  const auto evaluation = Prepare(request, Limits());
  if (!evaluation.ok()) return evaluation.status();
  const std::atomic<bool> cancelled = false;
  return Run(*evaluation, cancelled, response);
}

TraceMap ToMap(const v1::Trace& trace) {
  TraceMap map;
  for (const v1::TraceEntry& entry : trace.entries()) {
    const auto& values = entry.tensor().values();
    EXPECT_TRUE(map.emplace(entry.address(), Numbers(values.begin(), values.end())).second)
        << entry.address() << " comes twice";
  }
  return map;
}

TraceMap BackwardOf(const std::string& text) {
  v1::BackwardResponse response;
  const absl::Status status = TryRun(FromText<v1::BackwardRequest>(text), &response);
  EXPECT_TRUE(status.ok()) << status;
  return ToMap(response.trace());
}

TraceMap StepOf(const v1::StepRequest& request, v1::StepResponse* response) {
  const absl::Status status = TryRun(request, response);
  EXPECT_TRUE(status.ok()) << status;
  return ToMap(response->trace());
}

TEST(BackwardTest, AParameterReadTwiceGetsTheSum) {
  // L = (w x) w = w^2 x with w = 3, x = 5:  dL/dw = 2 w x = 30.
  const TraceMap trace = BackwardOf(R"pb(
    problem {
      network {
        inputs { name: "x" }
        parameters {
          name: "w"
          value { values: 3 }
        }
        nodes {
          name: "y"
          inputs: "w"
          inputs: "x"
          multiply {}
        }
        nodes {
          name: "L"
          inputs: "y"
          inputs: "w"
          multiply {}
        }
      }
      inputs {
        name: "x"
        tensor { values: 5 }
      }
      objective: "L"
    }
  )pb");
  EXPECT_THAT(trace.at("L"), ElementsAre(45));
  EXPECT_THAT(trace.at("grad(w)"), ElementsAre(30));
}

TEST(BackwardTest, ANodeThatReadsOneValueTwiceGetsTheSum) {
  const TraceMap trace = BackwardOf(R"pb(
    problem {
      network {
        inputs { name: "x" }
        nodes {
          name: "square"
          inputs: "x"
          inputs: "x"
          multiply {}
        }
      }
      inputs {
        name: "x"
        tensor { values: 5 }
      }
      objective: "square"
    }
  )pb");
  EXPECT_THAT(trace.at("grad(x)"), ElementsAre(10));
}

TEST(BackwardTest, WhatDoesNotReachTheObjectiveHasGradientZero) {
  // The side branch has an infinite slope: 0 times infinity must not come up.
  const TraceMap trace = BackwardOf(R"pb(
    problem {
      network {
        inputs { name: "x" }
        inputs { name: "t" }
        parameters {
          name: "unread"
          value {
            shape: 2
            values: [ 1, 2 ]
          }
        }
        nodes {
          name: "L"
          inputs: "x"
          identity {}
        }
        nodes {
          name: "side"
          inputs: "x"
          inputs: "t"
          binary_cross_entropy { reduction: REDUCTION_SUM }
        }
      }
      inputs {
        name: "x"
        tensor { values: 0 }
      }
      inputs {
        name: "t"
        tensor { values: 1 }
      }
      objective: "L"
    }
  )pb");
  EXPECT_THAT(trace.at("grad(side)"), ElementsAre(0));
  EXPECT_THAT(trace.at("grad(t)"), ElementsAre(0));
  EXPECT_THAT(trace.at("grad(unread)"), ElementsAre(0, 0));
  EXPECT_THAT(trace.at("grad(x)"), ElementsAre(1));
}

TEST(BackwardTest, AnObjectiveThatIsReadFurtherStartsFromOne) {
  const TraceMap trace = BackwardOf(R"pb(
    problem {
      network {
        inputs { name: "x" }
        nodes {
          name: "h"
          inputs: "x"
          scale { factor: 3 }
        }
        nodes {
          name: "later"
          inputs: "h"
          scale { factor: 7 }
        }
      }
      inputs {
        name: "x"
        tensor { values: 1 }
      }
      objective: "h"
    }
  )pb");
  EXPECT_THAT(trace.at("grad(h)"), ElementsAre(1));
  EXPECT_THAT(trace.at("grad(later)"), ElementsAre(0));
  EXPECT_THAT(trace.at("grad(x)"), ElementsAre(3));
}

TEST(BackwardTest, UpstreamMakesAVectorJacobianProduct) {
  const TraceMap trace = BackwardOf(R"pb(
    problem {
      network {
        inputs { name: "x" }
        nodes {
          name: "y"
          inputs: "x"
          inputs: "x"
          multiply {}
        }
      }
      inputs {
        name: "x"
        tensor {
          shape: 3
          values: [ 1, 2, 3 ]
        }
      }
      objective: "y"
      upstream {
        shape: 3
        values: [ 1, 10, 100 ]
      }
    }
  )pb");
  EXPECT_THAT(trace.at("grad(y)"), ElementsAre(1, 10, 100));
  EXPECT_THAT(trace.at("grad(x)"), ElementsAre(2, 40, 600));
}

TEST(BackwardTest, ClassIndicesHaveNoGradient) {
  const TraceMap trace = BackwardOf(R"pb(
    problem {
      network {
        inputs { name: "z" }
        inputs { name: "label" }
        nodes {
          name: "L"
          inputs: "z"
          inputs: "label"
          cross_entropy_with_logits { reduction: REDUCTION_SUM }
        }
      }
      inputs {
        name: "z"
        tensor {
          shape: 2
          values: [ 0, 0 ]
        }
      }
      inputs {
        name: "label"
        tensor { values: 1 }
      }
      objective: "L"
    }
  )pb");
  EXPECT_FALSE(trace.contains("grad(label)"));
  EXPECT_THAT(trace.at("grad(z)"), ElementsAre(0.5, -0.5));
}

// A loss of three examples that ignores the label -100.
v1::BackwardRequest IgnoringRequest(const Numbers& labels) {
  auto request = FromText<v1::BackwardRequest>(R"pb(
    problem {
      network {
        inputs { name: "y" }
        inputs { name: "label" }
        nodes {
          name: "L"
          inputs: "y"
          inputs: "label"
          negative_log_likelihood { reduction: REDUCTION_MEAN ignore_index: -100 }
        }
      }
      inputs {
        name: "y"
        tensor {
          shape: [ 3, 2 ]
          values: [ -1, -2, -3, -4, -5, -6 ]
        }
      }
      inputs {
        name: "label"
        tensor { shape: 3 }
      }
      objective: "L"
    }
  )pb");
  v1::Tensor& tensor = *request.mutable_problem()->mutable_inputs(1)->mutable_tensor();
  tensor.mutable_values()->Assign(labels.begin(), labels.end());
  return request;
}

TEST(BackwardTest, TheIgnoredIndexIsValidAndDoesNotCount) {
  v1::BackwardRequest request = IgnoringRequest({1, -100, 0});
  for (const v1::Precision precision : {v1::PRECISION_DOUBLE, v1::PRECISION_FLOAT}) {
    request.mutable_problem()->set_precision(precision);
    v1::BackwardResponse response;
    const absl::Status status = TryRun(request, &response);
    ASSERT_TRUE(status.ok()) << status;
    const TraceMap trace = ToMap(response.trace());
    EXPECT_THAT(trace.at("L"), ElementsAre(3.5));
    EXPECT_THAT(trace.at("grad(y)"), ElementsAre(0, -0.5, 0, 0, -0.5, 0));
  }
}

// The node may ignore a number that the input's precision does not hold.
TEST(BackwardTest, TheIgnoredIndexIsRoundedAsTheInputIs) {
  v1::BackwardRequest request = IgnoringRequest({1, 16777217, 0});
  request.mutable_problem()->set_precision(v1::PRECISION_FLOAT);
  request.mutable_problem()
      ->mutable_network()
      ->mutable_nodes(0)
      ->mutable_negative_log_likelihood()
      ->set_ignore_index(16777217);
  v1::BackwardResponse response;
  const absl::Status status = TryRun(request, &response);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(ToMap(response.trace()).at("L"), ElementsAre(3.5));
}

TEST(BackwardTest, AnIndexThatIsNeitherAClassNorIgnoredIsRefused) {
  v1::BackwardResponse response;
  EXPECT_EQ(TryRun(IgnoringRequest({1, -100, -99}), &response).message(),
            "inputs[1].tensor.values[2] 'label': -99 is no index of node 'L', indices are 0 to 1, "
            "-100 is ignored");
}

constexpr char kEmbedding[] = R"pb(
  problem {
    network {
      inputs { name: "ids" }
      parameters {
        name: "table"
        value {
          shape: [ 3, 2 ]
          values: [ 1, 2, 3, 4, 5, 6 ]
        }
      }
      nodes {
        name: "rows"
        inputs: "ids"
        inputs: "table"
        embedding {}
      }
      nodes {
        name: "L"
        inputs: "rows"
        sum {}
      }
    }
    inputs {
      name: "ids"
      tensor {
        shape: 3
        values: [ 2, 0, 2 ]
      }
    }
    objective: "L"
  }
)pb";

TEST(BackwardTest, IndicesMayBeTheFirstOperand) {
  const TraceMap trace = BackwardOf(kEmbedding);
  EXPECT_FALSE(trace.contains("grad(ids)"));
  EXPECT_THAT(trace.at("rows"), ElementsAre(5, 6, 1, 2, 5, 6));
  EXPECT_THAT(trace.at("grad(table)"), ElementsAre(1, 1, 0, 0, 2, 2));
}

TEST(BackwardTest, IndicesAreCheckedAgainstTheTable) {
  auto request = FromText<v1::BackwardRequest>(kEmbedding);
  request.mutable_problem()->mutable_inputs(0)->mutable_tensor()->set_values(1, 3);
  v1::BackwardResponse response;
  const absl::Status status = TryRun(request, &response);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith("inputs[0].tensor.values[1] 'ids': 3 is"));
}

TEST(BackwardTest, IndicesAreAnInputOfTheNetwork) {
  auto request = FromText<v1::BackwardRequest>(kEmbedding);
  request.mutable_problem()->mutable_network()->mutable_nodes(0)->set_inputs(0, "table");
  v1::BackwardResponse response;
  const absl::Status status = TryRun(request, &response);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()),
            "network.nodes[0].inputs[0] 'rows': indices must be an input of the network, 'table' "
            "is not");
}

TEST(BackwardTest, OneExampleEqualsABatchOfOne) {
  auto problem = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  v1::BackwardRequest single;
  *single.mutable_problem() = problem;
  for (v1::NamedTensor& input : *problem.mutable_inputs()) {
    input.mutable_tensor()->clear_shape();
    input.mutable_tensor()->add_shape(1);
    input.mutable_tensor()->add_shape(2);
  }
  v1::BackwardRequest batch;
  *batch.mutable_problem() = problem;
  v1::BackwardResponse single_response;
  v1::BackwardResponse batch_response;
  ASSERT_TRUE(TryRun(single, &single_response).ok());
  ASSERT_TRUE(TryRun(batch, &batch_response).ok());
  EXPECT_EQ(ToMap(single_response.trace()), ToMap(batch_response.trace()));
}

TEST(BackwardTest, FloatIsComputedInFloat) {
  auto problem = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  v1::BackwardRequest request;
  *request.mutable_problem() = problem;
  v1::BackwardResponse exact;
  ASSERT_TRUE(TryRun(request, &exact).ok());
  request.mutable_problem()->set_precision(v1::PRECISION_FLOAT);
  v1::BackwardResponse rounded;
  ASSERT_TRUE(TryRun(request, &rounded).ok());
  const TraceMap in_double = ToMap(exact.trace());
  for (const auto& [address, values] : ToMap(rounded.trace())) {
    for (size_t i = 0; i < values.size(); ++i) {
      const double reference = in_double.at(address)[i];
      EXPECT_EQ(values[i], static_cast<float>(values[i])) << address << " is not a float";
      EXPECT_NEAR(values[i], reference, 2e-6 * std::abs(reference)) << address;
    }
  }
  EXPECT_NE(in_double.at("L"), ToMap(rounded.trace()).at("L"));
}

TEST(PinTest, EverythingAfterAPinFollowsIt) {
  // h = sigmoid(z) pinned to 0.6: its slope reads the pinned output, and the gradient still flows
  // to z.
  const TraceMap trace = BackwardOf(R"pb(
    problem {
      network {
        inputs { name: "z" }
        nodes {
          name: "h"
          inputs: "z"
          sigmoid {}
        }
        nodes {
          name: "L"
          inputs: "h"
          scale { factor: 2 }
        }
      }
      inputs {
        name: "z"
        tensor { values: 5 }
      }
      objective: "L"
    }
    pins {
      address: "h"
      value { values: 0.6 }
    }
  )pb");
  EXPECT_THAT(trace.at("h"), ElementsAre(0.6));
  EXPECT_THAT(trace.at("L"), ElementsAre(1.2));
  EXPECT_THAT(trace.at("slope(h)"), ElementsAre(DoubleEq(0.6 * (1 - 0.6))));
  EXPECT_THAT(trace.at("grad(z)"), ElementsAre(DoubleEq(2 * 0.6 * (1 - 0.6))));
}

TEST(PinTest, AnElementBeatsTheWhole) {
  const TraceMap trace = BackwardOf(R"pb(
    problem {
      network {
        inputs { name: "x" }
        nodes {
          name: "h"
          inputs: "x"
          identity {}
        }
        nodes {
          name: "L"
          inputs: "h"
          sum {}
        }
      }
      inputs {
        name: "x"
        tensor {
          shape: 2
          values: [ 1, 2 ]
        }
      }
      objective: "L"
    }
    pins {
      address: "h[1]"
      value { values: 7 }
    }
    pins {
      address: "h"
      value {
        shape: 2
        values: [ 10, 20 ]
      }
    }
  )pb");
  EXPECT_THAT(trace.at("h"), ElementsAre(10, 7));
  EXPECT_THAT(trace.at("L"), ElementsAre(17));
}

TEST(PinTest, AnyQuantityCanBePinned) {
  auto request = FromText<v1::StepRequest>(R"pb(
    pins {
      address: "x[0]"
      value { values: 0.5 }
    }
    pins {
      address: "W1[0,0]"
      value { values: 1 }
    }
    pins {
      address: "slope(h)"
      value {
        shape: 2
        values: [ 1, 1 ]
      }
    }
    pins {
      address: "grad(o)"
      value {
        shape: 2
        values: [ 1, 0 ]
      }
    }
    pins {
      address: "grad(W2)[0,0]"
      value { values: 4 }
    }
    pins {
      address: "next(b2)"
      value { shape: 1 values: 9 }
    }
  )pb");
  *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  v1::StepResponse response;
  const TraceMap trace = StepOf(request, &response);
  // z_h1 = 1 * 0.5 + 0.2 * 0.1 + 0.35
  EXPECT_THAT(trace.at("z_h")[0], DoubleNear(0.87, 1e-15));
  EXPECT_THAT(trace.at("slope(h)"), ElementsAre(1, 1));
  // grad(h) = W2' (1, 0), and with slope 1 it is grad(z_h).
  EXPECT_THAT(trace.at("grad(h)"), ElementsAre(0.4, 0.45));
  EXPECT_THAT(trace.at("grad(z_h)"), ElementsAre(0.4, 0.45));
  EXPECT_THAT(trace.at("next(W2)")[0], DoubleEq(0.4 - 0.5 * 4));
  EXPECT_THAT(trace.at("next(b2)"), ElementsAre(9));
  EXPECT_THAT(response.parameters(3).tensor().values(), ElementsAre(9));
}

TEST(StepTest, FrozenParametersStayAndHaveAGradient) {
  v1::StepRequest request;
  *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  request.mutable_problem()->mutable_network()->mutable_parameters(1)->set_frozen(true);
  v1::StepResponse response;
  const TraceMap trace = StepOf(request, &response);
  EXPECT_THAT(trace.at("next(b1)"), ElementsAre(0.35));
  EXPECT_THAT(trace.at("grad(b1)"), ElementsAre(DoubleNear(0.06179544319586611, 1e-15)));
  EXPECT_EQ(response.parameters(1).name(), "b1");
  EXPECT_THAT(response.parameters(1).tensor().values(), ElementsAre(0.35));
}

// minimise (w x - t)^2 / 2
v1::StepRequest Line(int batches) {
  auto request = FromText<v1::StepRequest>(R"pb(
    problem {
      network {
        inputs { name: "x" }
        inputs { name: "t" }
        parameters {
          name: "w"
          value { values: 1 }
        }
        nodes {
          name: "y"
          inputs: "w"
          inputs: "x"
          multiply {}
        }
        nodes {
          name: "L"
          inputs: "y"
          inputs: "t"
          half_squared_error { reduction: REDUCTION_SUM }
        }
      }
      inputs {
        name: "x"
        tensor { values: 1 }
      }
      inputs {
        name: "t"
        tensor { values: 5 }
      }
      objective: "L"
      optimizer { sgd { learning_rate: 0.5 } }
    }
  )pb");
  for (int i = 0; i < batches; ++i) request.mutable_problem()->add_batches();
  return request;
}

TEST(StepTest, OneUpdatePerBatch) {
  auto request = Line(3);
  // The second batch has x = 2: its gradient is (2 w - 5) 2.
  v1::NamedTensor* x = request.mutable_problem()->mutable_batches(1)->add_inputs();
  x->set_name("x");
  x->mutable_tensor()->add_values(2);
  v1::StepResponse response;
  const TraceMap trace = StepOf(request, &response);
  EXPECT_THAT(trace.at("next(w)"), ElementsAre(3));  // 1 - (1 - 5) / 2
  EXPECT_THAT(trace.at("y@1"), ElementsAre(6));
  EXPECT_THAT(trace.at("grad(w)@1"), ElementsAre(2));    // (6 - 5) 2
  EXPECT_THAT(trace.at("next(w)@1"), ElementsAre(2));    // 3 - 2 / 2
  EXPECT_THAT(trace.at("L@2"), ElementsAre(4.5));        // x is 1 again
  EXPECT_THAT(trace.at("next(w)@2"), ElementsAre(3.5));  // 2 - (2 - 5) / 2
  EXPECT_FALSE(trace.contains("L@3"));
  EXPECT_THAT(response.parameters(0).tensor().values(), ElementsAre(3.5));
  EXPECT_EQ(response.optimizer_state().update_count(), 3);
}

TEST(StepTest, WhatComesAfterTheLastUpdateIsComputedWhenAskedFor) {
  auto request = Line(0);
  for (const char* address : {"grad(w)@1", "L@1", "w@1", "w", "x@1", "L"}) {
    request.mutable_trace()->add_only(address);
  }
  v1::StepResponse response;
  const TraceMap trace = StepOf(request, &response);
  EXPECT_THAT(trace, ::testing::SizeIs(6));
  EXPECT_THAT(trace.at("w"), ElementsAre(1));
  EXPECT_THAT(trace.at("L"), ElementsAre(8));
  EXPECT_THAT(trace.at("next(w)"), ElementsAre(3));
  EXPECT_THAT(trace.at("x@1"), ElementsAre(1));
  EXPECT_THAT(trace.at("L@1"), ElementsAre(2));
  EXPECT_THAT(trace.at("grad(w)@1"), ElementsAre(-2));
}

TEST(StepTest, StateCountsOn) {
  auto request = Line(2);
  request.mutable_problem()->mutable_optimizer_state()->set_update_count(40);
  v1::StepResponse response;
  StepOf(request, &response);
  EXPECT_EQ(response.optimizer_state().update_count(), 42);
}

TEST(StepTest, NoTraceStillReturnsParameters) {
  auto request = Line(0);
  request.mutable_trace()->set_none(true);
  v1::StepResponse response;
  EXPECT_THAT(StepOf(request, &response), ::testing::IsEmpty());
  EXPECT_THAT(response.parameters(0).tensor().values(), ElementsAre(3));
}

TEST(TraceTest, EncodingsHoldTheSameNumbers) {
  v1::ForwardRequest request;
  *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  request.mutable_trace()->set_encoding(v1::TENSOR_ENCODING_RAW_LE_F64);
  v1::ForwardResponse response;
  ASSERT_TRUE(TryRun(request, &response).ok());
  EXPECT_EQ(response.trace().entries_size(), 5);
  for (const v1::TraceEntry& entry : response.trace().entries()) {
    EXPECT_EQ(entry.tensor().values_size(), 0);
    EXPECT_EQ(entry.tensor().raw_le_f64().size(), entry.address() == "L" ? 8U : 16U);
  }
}

TEST(TraceTest, OverflowIsNamedAndNoError) {
  const auto request = FromText<v1::ForwardRequest>(R"pb(
    problem {
      network {
        inputs { name: "x" }
        nodes {
          name: "big"
          inputs: "x"
          inputs: "x"
          multiply {}
        }
        nodes {
          name: "nan"
          inputs: "big"
          inputs: "big"
          subtract {}
        }
      }
      inputs {
        name: "x"
        tensor {
          shape: [ 1, 2 ]
          values: [ 1, 1e200 ]
        }
      }
    }
    trace { only: "x" }
  )pb");
  v1::ForwardResponse response;
  ASSERT_TRUE(TryRun(request, &response).ok());
  EXPECT_THAT(response.trace().non_finite(), ElementsAre("big[0,1]", "nan[0,1]"));
  EXPECT_THAT(ToMap(response.trace()), ::testing::SizeIs(1));
}

TEST(RunTest, TheSameRequestGivesTheSameBytes) {
  v1::StepRequest request;
  *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  v1::StepResponse first;
  v1::StepResponse second;
  ASSERT_TRUE(TryRun(request, &first).ok());
  ASSERT_TRUE(TryRun(request, &second).ok());
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
}

TEST(RunTest, CancellationEndsIt) {
  v1::BackwardRequest request;
  *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  const auto evaluation = Prepare(request, Limits());
  ASSERT_TRUE(evaluation.ok());
  const std::atomic<bool> cancelled = true;
  v1::BackwardResponse response;
  EXPECT_EQ(gradus::Run(*evaluation, cancelled, &response).code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace gradus
