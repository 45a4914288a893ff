// Each method on gradients that are right, wrong in every way a gradient tends to be, and at kinks.
#include "server/checking/checker.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "server/engine/backward.h"
#include "server/engine/forward.h"
#include "server/kernels/interruption.h"
#include "server/ops/registry.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using ::testing::HasSubstr;

constexpr v1::CheckMethod kMethods[] = {v1::CHECK_METHOD_FORWARD_MODE,
                                        v1::CHECK_METHOD_CENTRAL_DIFFERENCE,
                                        v1::CHECK_METHOD_RANDOM_DIRECTION, v1::CHECK_METHOD_TAYLOR};

bool IsElementwise(v1::CheckMethod method) {
  return method == v1::CHECK_METHOD_FORWARD_MODE || method == v1::CHECK_METHOD_CENTRAL_DIFFERENCE;
}

// A network whose passes are computed, with the objective L.
class Computation {
 public:
  Computation(const std::string& network, const std::vector<Tensor<double>>& inputs,
              OpFinder find_op = &FindOp)
      : graph_(MakeGraph(FromText<v1::Network>(network), inputs, find_op)),
        world_(graph_),
        upstream_(Shape(), {1.0}) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      world_.At({QuantityKind::kValue, graph_.input(static_cast<int>(i))}) = inputs[i];
    }
    for (const Quantity& q : graph_.value_order()) {
      world_.At(q) = ComputeValue(graph_, world_, q.value);
    }
    for (const Quantity& q : graph_.gradient_order()) {
      world_.At(q) = q.kind == QuantityKind::kSlope
                         ? ComputeSlope(graph_, world_, q.value)
                         : ComputeGradient(graph_, world_, upstream_, q.value);
    }
  }

  const Tensor<double>& Gradient(const std::string& name) const {
    return world_.gradient(*graph_.Find(name));
  }

  v1::CheckResult Check(const std::string& name, const Tensor<double>& gradient,
                        v1::CheckMethod method, const CheckOptions& options = {}) const {
    const std::atomic<bool> cancelled = false;
    Checker checker(graph_, world_, upstream_, options, cancelled);
    return checker.Check(*graph_.Find(name), gradient, method);
  }
  v1::CheckResult Check(const std::string& name, v1::CheckMethod method) const {
    return Check(name, Gradient(name), method);
  }

  // Makes a checker and checks our gradient, until somebody cancels it.
  void Check(const std::string& name, v1::CheckMethod method,
             const std::atomic<bool>& cancelled) const {
    Checker checker(graph_, world_, upstream_, {}, cancelled);
    checker.Check(*graph_.Find(name), Gradient(name), method);
  }

 private:
  static Graph MakeGraph(const v1::Network& network, const std::vector<Tensor<double>>& inputs,
                         OpFinder find_op) {
    std::vector<Shape> shapes;
    for (const Tensor<double>& input : inputs) shapes.push_back(input.shape());
    absl::StatusOr<Graph> graph = Graph::Build(network, shapes, "L", Limits(), find_op);
    if (!graph.ok()) throw std::runtime_error(graph.status().ToString());
    return *std::move(graph);
  }

  const Graph graph_;
  World<double> world_;
  const Tensor<double> upstream_;
};

constexpr char kSmooth[] = R"pb(
  inputs { name: "x" }
  inputs { name: "W" }
  nodes {
    name: "z"
    inputs: [ "x", "W" ]
    dense {}
  }
  nodes {
    name: "h"
    inputs: "z"
    tanh {}
  }
  nodes {
    name: "L"
    inputs: [ "h", "h" ]
    half_squared_error { reduction: REDUCTION_SUM }
  })pb";

constexpr char kNetwork[] = R"pb(
  inputs { name: "x" }
  inputs { name: "W" }
  inputs { name: "t" }
  nodes {
    name: "z"
    inputs: [ "x", "W" ]
    dense {}
  }
  nodes {
    name: "h"
    inputs: "z"
    tanh {}
  }
  nodes {
    name: "L"
    inputs: [ "h", "t" ]
    half_squared_error { reduction: REDUCTION_SUM }
  })pb";

// The network above with another activation.
std::string Network(const std::string& activation) {
  std::string network = kNetwork;
  constexpr std::string_view kTanh = "tanh {}";
  network.replace(network.find(kTanh), kTanh.size(), activation);
  return network;
}

std::vector<Tensor<double>> Inputs() {
  return {{Shape{2, 3}, {0.5, -1.2, 0.3, 0.9, 0.1, -0.4}},
          {Shape{3, 3}, {0.2, -0.6, 0.8, 0.4, 0.7, -0.1, -0.9, 0.5, 0.25}},
          {Shape{2, 3}, {0.1, 0.9, -0.3, 0.4, -0.8, 0.6}}};
}

TEST(CheckerTest, EveryMethodAgreesWithARightGradient) {
  const Computation computation(Network("tanh {}"), Inputs());
  for (const v1::CheckMethod method : kMethods) {
    for (const char* name : {"x", "W", "t", "z", "h", "L"}) {
      const v1::CheckResult result = computation.Check(name, method);
      EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_AGREES) << result.ShortDebugString();
      EXPECT_FALSE(result.accepts_zeros()) << result.ShortDebugString();
      EXPECT_EQ(result.address(), fmt::format("grad({})", name));
    }
  }
}

// Each mistake in the whole tensor, seen by every method, and read by those that see elements.
TEST(CheckerTest, EveryMethodCatchesAWrongGradient) {
  const Computation computation(Network("tanh {}"), Inputs());
  const Tensor<double>& right = computation.Gradient("W");
  const auto scaled = [&](double factor) {
    Tensor<double> gradient = right;
    for (int64_t i = 0; i < gradient.size(); ++i) gradient[i] *= factor;
    return gradient;
  };
  Tensor<double> transposed = right;
  for (int64_t i = 0; i < 9; ++i) transposed[i] = right[i % 3 * 3 + i / 3];
  Tensor<double> one_element = right;
  one_element[5] *= 1.001;
  const struct {
    Tensor<double> gradient;
    const char* reading;
  } kMistakes[] = {
      {scaled(-1), "the sign is wrong"},
      {scaled(2), "a factor 1/2 is missing, or a sum in place of a mean over 2"},
      {scaled(0.5), "a factor 2 is missing"},
      {scaled(3), "a sum in place of a mean over 3"},
      {scaled(1.0 / 3), "a mean in place of a sum over 3"},
      {scaled(0.7), "every element is 0.7 times what it should be"},
      {scaled(1 + 1e-4), "every element is 1.0001 times what it should be"},
      {scaled(0), "it is zero"},
      {transposed, "it is transposed"},
      {one_element, "1 of 9 elements differ"},
  };
  for (const auto& mistake : kMistakes) {
    for (const v1::CheckMethod method : kMethods) {
      const v1::CheckResult result = computation.Check("W", mistake.gradient, method);
      EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_DIFFERS)
          << mistake.reading << ": " << result.ShortDebugString();
      if (IsElementwise(method)) {
        EXPECT_THAT(result.message(), HasSubstr(mistake.reading));
      }
    }
  }
}

TEST(CheckerTest, NamesTheWorstElement) {
  const Computation computation(Network("tanh {}"), Inputs());
  Tensor<double> gradient = computation.Gradient("W");
  gradient[1] += 0.001;
  gradient[5] = -2 * gradient[5];
  const v1::CheckResult result = computation.Check("W", gradient, v1::CHECK_METHOD_FORWARD_MODE);
  EXPECT_EQ(result.differing_count(), 2);
  ASSERT_EQ(result.findings_size(), 2);
  EXPECT_EQ(result.findings(0).address(), "grad(W)[1,2]");
  EXPECT_EQ(result.findings(1).address(), "grad(W)[0,1]");
  EXPECT_NEAR(result.findings(0).analytic() / result.findings(0).numeric(), -2, 1e-12);
  EXPECT_THAT(result.message(), HasSubstr("grad(W)[1,2]: "));
  EXPECT_THAT(result.message(), HasSubstr("ratio -2"));
}

// An op whose backward pass is wrong, as nobody has registered it: tanh with the slope of a cube.
template <class T>
void WrongSlopes(const OpCall<T>&, const Tensor<T>& output, Tensor<T>& slope) {
  for (int64_t i = 0; i < slope.size(); ++i) slope[i] = T(1) - output[i] * output[i] * output[i];
}

const Op* FindWithWrongTanh(v1::Node::OpCase op_case) {
  static const Op kWrong = [] {
    Op op = *FindOp(v1::Node::kTanh);
    std::get<OpFunctions<double>>(op.functions).slope = &WrongSlopes<double>;
    std::get<OpFunctions<Interval>>(op.functions).slope = &WrongSlopes<Interval>;
    return op;
  }();
  return op_case == v1::Node::kTanh ? &kWrong : FindOp(op_case);
}

TEST(CheckerTest, EveryMethodCatchesAWrongBackwardPass) {
  const Computation computation(Network("tanh {}"), Inputs(), &FindWithWrongTanh);
  for (const v1::CheckMethod method : kMethods) {
    for (const char* name : {"x", "W", "z"}) {
      const v1::CheckResult result = computation.Check(name, method);
      EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_DIFFERS) << result.ShortDebugString();
    }
    // After it, all is well.
    for (const char* name : {"h", "t", "L"}) {
      const v1::CheckResult result = computation.Check(name, method);
      EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_AGREES) << result.ShortDebugString();
    }
  }
}

// z = [1, 0, 0] exactly: units 1 and 2 sit on relu's kink.
TEST(CheckerTest, ReportsKinksWithBothSlopesAndNoFailure) {
  const Computation computation(Network("relu {}"), {{Shape{1, 3}, {1, -1, 2}},
                                                     {Shape{3, 3}, {1, 2, 1, 1, 1, 0, 2, 4, 1}},
                                                     {Shape{1, 3}, {0.5, -3, 0.25}}});
  for (const v1::CheckMethod method : kMethods) {
    for (const char* name : {"x", "W", "z"}) {
      const v1::CheckResult result = computation.Check(name, method);
      EXPECT_NE(result.verdict(), v1::CHECK_VERDICT_DIFFERS) << result.ShortDebugString();
      EXPECT_GT(result.kink_count(), 0) << result.ShortDebugString();
      EXPECT_TRUE(result.findings(0).has_kink());
    }
  }
  for (const v1::CheckMethod method :
       {v1::CHECK_METHOD_FORWARD_MODE, v1::CHECK_METHOD_CENTRAL_DIFFERENCE}) {
    const v1::CheckResult result = computation.Check("z", method);
    EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_AGREES);
    ASSERT_EQ(result.kink_count(), 2) << result.ShortDebugString();
    // Below 0 nothing moves; above, L moves by h - t = 0 + 3.
    EXPECT_EQ(result.findings(0).address(), "grad(z)[0,1]");
    EXPECT_NEAR(result.findings(0).kink().left_slope(), 0, 1e-6);
    EXPECT_NEAR(result.findings(0).kink().right_slope(), 3, 1e-6);
    // Any subgradient is right, and what is none is not.
    Tensor<double> gradient = computation.Gradient("z");
    gradient[1] = 1.5;
    EXPECT_EQ(computation.Check("z", gradient, method).verdict(), v1::CHECK_VERDICT_AGREES);
    gradient[1] = 4;
    EXPECT_EQ(computation.Check("z", gradient, method).verdict(), v1::CHECK_VERDICT_DIFFERS);
  }
}

// A point just beside a kink is none: the difference step shrinks until it does not cross.
TEST(CheckerTest, SeesASmoothPointNextToAKink) {
  const Computation computation(Network("relu {}"),
                                {{Shape{1, 1}, {1e-5}}, {Shape{1, 1}, {1}}, {Shape{1, 1}, {0.5}}});
  const v1::CheckResult result = computation.Check("z", v1::CHECK_METHOD_CENTRAL_DIFFERENCE);
  EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_AGREES) << result.ShortDebugString();
  EXPECT_EQ(result.kink_count(), 0);
}

// softplus branches on the sign for its digits' sake, where it is smooth.
TEST(CheckerTest, TakesNoBranchOfASmoothFunctionForAKink) {
  for (const char* activation : {"softplus {}", "sigmoid {}"}) {
    const Computation computation(
        Network(activation),
        {{Shape{1, 2}, {0, 31}}, {Shape{2, 2}, {1, 0, 0, 1}}, {Shape{1, 2}, {0.1, 0.2}}});
    for (const v1::CheckMethod method : kMethods) {
      EXPECT_EQ(computation.Check("z", method).kink_count(), 0) << activation;
    }
  }
}

// 1e-9 of an ordinary gradient, held to the same digits.
TEST(CheckerTest, HoldsSmallGradientsToTheirOwnDigits) {
  std::string network = Network("tanh {}");
  network.replace(network.find("name: \"L\""), 9, "name: \"E\"");
  network += R"pb(nodes {
                    name: "L"
                    inputs: "E"
                    scale { factor: 1e-9 }
                  })pb";
  const Computation computation(network, Inputs());
  for (const v1::CheckMethod method : kMethods) {
    EXPECT_EQ(computation.Check("W", method).verdict(), v1::CHECK_VERDICT_AGREES);
    Tensor<double> zeros(Shape{3, 3});
    EXPECT_EQ(computation.Check("W", zeros, method).verdict(), v1::CHECK_VERDICT_DIFFERS);
    Tensor<double> wrong = computation.Gradient("W");
    for (int64_t i = 0; i < 9; ++i) wrong[i] *= 1.01;
    EXPECT_EQ(computation.Check("W", wrong, method).verdict(), v1::CHECK_VERDICT_DIFFERS);
  }
}

// The gradient of the prediction is zero on both sides: right, but it proves little.
TEST(CheckerTest, SaysThatZerosWouldPass) {
  const Computation computation(kSmooth, {Inputs()[0], Inputs()[1]});
  for (const v1::CheckMethod method : kMethods) {
    const v1::CheckResult result = computation.Check("W", method);
    EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_AGREES) << result.ShortDebugString();
    EXPECT_TRUE(result.accepts_zeros());
    EXPECT_THAT(result.message(), HasSubstr("a gradient of zeros would have passed too"));
    Tensor<double> wrong(Shape{3, 3});
    wrong[4] = 1e-3;
    EXPECT_EQ(computation.Check("W", wrong, method).verdict(), v1::CHECK_VERDICT_DIFFERS)
        << result.ShortDebugString();
  }
}

TEST(CheckerTest, CannotTellWhereTheFunctionOverflows) {
  const Computation computation(
      Network("identity {}"), {{Shape{1, 1}, {1e200}}, {Shape{1, 1}, {1e200}}, {Shape{1, 1}, {0}}});
  for (const v1::CheckMethod method : kMethods) {
    const v1::CheckResult result = computation.Check("W", method);
    EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_UNDECIDED) << result.ShortDebugString();
  }
}

TEST(CheckerTest, CallsWhatIsNotFiniteWrong) {
  const Computation computation(Network("tanh {}"), Inputs());
  Tensor<double> gradient = computation.Gradient("W");
  gradient[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(computation.Check("W", gradient, v1::CHECK_METHOD_FORWARD_MODE).verdict(),
            v1::CHECK_VERDICT_DIFFERS);
}

// Raw features: a step that suits the weight next to it moves the pre-activation from one flank of
// the loss to the other, where differences look smooth and are wrong.
TEST(CheckerTest, FindsAStepThatSuitsTheElement) {
  for (const double feature : {1e5, 1e8}) {
    const Computation computation(
        Network("softplus {}"),
        {{Shape{1, 2}, {0.5, feature}}, {Shape{1, 2}, {2, 1 / feature}}, {Shape{1, 1}, {0.3}}});
    for (const v1::CheckMethod method : kMethods) {
      const v1::CheckResult result = computation.Check("W", method);
      EXPECT_NE(result.verdict(), v1::CHECK_VERDICT_DIFFERS) << result.ShortDebugString();
    }
    EXPECT_EQ(computation.Check("W", v1::CHECK_METHOD_CENTRAL_DIFFERENCE).verdict(),
              v1::CHECK_VERDICT_AGREES);
  }
}

// (z + 1e8) - 1e8 loses half of the digits of z on the way.
TEST(CheckerTest, KnowsHowFarTheForwardPassIsRounded) {
  for (const double x : {0.71, 1.2345678, 0.9}) {
    const Computation computation(R"pb(
                                    inputs { name: "x" }
                                    nodes {
                                      name: "far"
                                      inputs: "x"
                                      add_scalar { value: 1e8 }
                                    }
                                    nodes {
                                      name: "L"
                                      inputs: "far"
                                      add_scalar { value: -1e8 }
                                    })pb",
                                  {{Shape(), {x}}});
    for (const v1::CheckMethod method : kMethods) {
      const v1::CheckResult result = computation.Check("x", method);
      EXPECT_NE(result.verdict(), v1::CHECK_VERDICT_DIFFERS) << result.ShortDebugString();
    }
  }
}

// What nothing depends on has no kink that matters; and where a function is put together smoothly
// there is none.
TEST(CheckerTest, CallsNoPointAKinkWhoseSlopesAreEqual) {
  const std::vector<Tensor<double>> at_zero = {
      {Shape{1, 1}, {0}}, {Shape{1, 1}, {1}}, {Shape{1, 1}, {0.25}}};
  for (const char* activation : {"elu {}", "scale { factor: 0 }"}) {
    const Computation computation(Network(activation), at_zero);
    for (const v1::CheckMethod method :
         {v1::CHECK_METHOD_FORWARD_MODE, v1::CHECK_METHOD_CENTRAL_DIFFERENCE}) {
      const v1::CheckResult result = computation.Check("z", method);
      EXPECT_NE(result.verdict(), v1::CHECK_VERDICT_DIFFERS) << result.ShortDebugString();
      EXPECT_EQ(result.kink_count(), 0);
    }
    EXPECT_EQ(computation.Check("z", v1::CHECK_METHOD_FORWARD_MODE).verdict(),
              v1::CHECK_VERDICT_AGREES);
  }
}

// exp(relu(z)) at 0 turns as soon as it leaves the kink; its slopes there are 0 and 1.
TEST(CheckerTest, AcceptsEitherSlopeOfACurvedKink) {
  const Computation computation(R"pb(
                                  inputs { name: "z" }
                                  nodes {
                                    name: "a"
                                    inputs: "z"
                                    relu {}
                                  }
                                  nodes {
                                    name: "b"
                                    inputs: "a"
                                    scale { factor: -10 }
                                  }
                                  nodes {
                                    name: "L"
                                    inputs: "b"
                                    exp {}
                                  })pb",
                                {{Shape(), {0}}});
  for (const v1::CheckMethod method :
       {v1::CHECK_METHOD_FORWARD_MODE, v1::CHECK_METHOD_CENTRAL_DIFFERENCE}) {
    for (const double slope : {0.0, -5.0, -10.0}) {
      EXPECT_NE(computation.Check("z", {Shape(), {slope}}, method).verdict(),
                v1::CHECK_VERDICT_DIFFERS);
    }
    for (const double slope : {0.1, -10.1}) {
      EXPECT_EQ(computation.Check("z", {Shape(), {slope}}, method).verdict(),
                v1::CHECK_VERDICT_DIFFERS);
    }
  }
}

// A tolerance that is asked for holds for every method.
TEST(CheckerTest, TakesTheCallersTolerance) {
  const Computation computation(Network("tanh {}"), Inputs());
  Tensor<double> gradient = computation.Gradient("W");
  for (int64_t i = 0; i < gradient.size(); ++i) gradient[i] *= 1.01;
  for (const v1::CheckMethod method : kMethods) {
    EXPECT_EQ(computation.Check("W", gradient, method, {0.1, 0}).verdict(),
              v1::CHECK_VERDICT_AGREES);
    EXPECT_EQ(computation.Check("W", gradient, method, {0.001, 0}).verdict(),
              v1::CHECK_VERDICT_DIFFERS);
  }
}

// 1e10 + x shows two digits of its slope at most.
TEST(CheckerTest, DoesNotTakeBlindnessForAgreement) {
  const Computation computation(R"pb(
                                  inputs { name: "x" }
                                  nodes {
                                    name: "L"
                                    inputs: "x"
                                    add_scalar { value: 1e10 }
                                  })pb",
                                {{Shape(), {0.5}}});
  EXPECT_NE(computation.Check("x", {Shape(), {1.0005}}, v1::CHECK_METHOD_TAYLOR).verdict(),
            v1::CHECK_VERDICT_AGREES);
  EXPECT_NE(
      computation.Check("x", {Shape(), {1.0005}}, v1::CHECK_METHOD_CENTRAL_DIFFERENCE).verdict(),
      v1::CHECK_VERDICT_AGREES);
}

// The same seed gives the same direction, another one another.
TEST(CheckerTest, RepeatsItself) {
  const Computation computation(Network("tanh {}"), Inputs());
  for (const v1::CheckMethod method : kMethods) {
    EXPECT_EQ(computation.Check("W", method).SerializeAsString(),
              computation.Check("W", method).SerializeAsString());
  }
}

// Work that would take hours: each pass has 10^14 products.
TEST(CheckerTest, EndsWithinAnOpWhenCancelled) {
  constexpr char kEndless[] = R"pb(
    inputs { name: "a" }
    nodes {
      name: "L"
      inputs: [ "a", "a", "a" ]
      einsum { equation: "abc,def,ghi->" }
    })pb";
  const auto computation = [&] {
    const InterruptionScope scope([] { return true; });
    return std::make_unique<Computation>(kEndless, std::vector{Tensor<double>(Shape{36, 36, 36})});
  }();
  for (const v1::CheckMethod method : kMethods) {
    std::atomic<bool> cancelled = false;
    std::thread canceller([&] { cancelled = true; });
    computation->Check("a", method, cancelled);
    canceller.join();
    EXPECT_TRUE(cancelled);
  }
}

}  // namespace
}  // namespace gradus::testing
