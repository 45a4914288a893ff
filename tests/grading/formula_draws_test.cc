#include "server/grading/formula_draws.h"

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "gradus/v1/problem.pb.h"
#include "server/engine/limits.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using testing::FromFile;
using testing::FromText;

// A problem whose quantities formulas name.
class Formulas {
 public:
  explicit Formulas(v1::Problem problem, Scope scope = Scope::kBackward)
      : problem_(std::move(problem)), plan_(*Plan::Make(problem_, scope, Limits())) {}

  void Need(std::string_view address) { plan_.Need(*plan_.Resolve(*ParseAddress(address))); }
  void AddSymbol(const std::string& name, std::string_view address) {
    symbols_.emplace(name, *plan_.Resolve(*ParseAddress(address)));
  }
  const Plan& plan() const { return plan_; }

  Formula Read(std::string_view text) const {
    const FormulaNames names = {
        symbols_, [this](const Address& address) { return plan_.Resolve(address); },
        [](const Target&) { return absl::OkStatus(); },
        [this](const Target& target) { return plan_.ShapeOf(target.quantity).element_count(); }};
    absl::StatusOr<Formula> formula = Formula::Parse(text, names);
    EXPECT_TRUE(formula.ok()) << text << ": " << formula.status();
    return *std::move(formula);
  }

  bool AreEqual(const FormulaDraws& draws, std::string_view a, std::string_view b) const {
    const std::atomic<bool> cancelled = false;
    const absl::StatusOr<bool> equal = draws.AreEqual(Read(a), Read(b), cancelled);
    EXPECT_TRUE(equal.ok()) << equal.status();
    return equal.ok() && *equal;
  }
  bool AreEqual(std::string_view a, std::string_view b) const {
    return AreEqual(FormulaDraws(plan_), a, b);
  }

 private:
  v1::Problem problem_;
  Plan plan_;
  std::map<std::string, Target, std::less<>> symbols_;
};

// Problem 2 of the homework, with the paper's names.
Formulas Homework() {
  Formulas formulas(FromFile<v1::Problem>("examples/homework/problem_2.txtpb"));
  const std::pair<std::string, std::string_view> kSymbols[] = {
      {"x1", "x[0]"},        {"a1[1]", "a1[0]"},      {"a1[2]", "a2[0]"},    {"a2[2]", "a2[1]"},
      {"z1[2]", "z2[0]"},    {"w11[2]", "W2[0,0]"},   {"w21[2]", "W2[1,0]"}, {"w12[2]", "W2[0,1]"},
      {"w1[3]", "W3[0,0]"},  {"w2[3]", "W3[0,1]"},    {"δ1", "grad(a2)[0]"}, {"δ2", "grad(z2)[0]"},
      {"δ3", "grad(z1)[0]"}, {"δ4", "grad(W1)[0,0]"},
  };
  for (const auto& [name, address] : kSymbols) formulas.AddSymbol(name, address);
  return formulas;
}

TEST(FormulaDrawsTest, AcceptTheFormulasOfTheHomework) {
  const Formulas homework = Homework();
  const FormulaDraws draws(homework.plan());
  const std::pair<std::string_view, std::string_view> kEqual[] = {
      // As the paper has them.
      {"δ1", "w1[3]"},
      {"δ2", "w1[3] a1[2] (1 - a1[2])"},
      {"δ3", "a1[1] (1 - a1[1]) (w11[2] w1[3] a1[2] (1 - a1[2]) + w21[2] w2[3] a2[2] (1 - a2[2]))"},
      {"δ4",
       "x1 a1[1] (1 - a1[1]) (w11[2] w1[3] a1[2] (1 - a1[2]) + w21[2] w2[3] a2[2] (1 - a2[2]))"},
      // With what comes before.
      {"δ4", "x1 * δ3"},
      {"δ2", "δ1 a1[2](1-a1[2])"},
      // Otherwise written.
      {"δ2", "w1[3] a1[2] - w1[3] a1[2]²"},
      {"δ2", "(a1[2] - 1) * -a1[2] · w1[3]"},
      {"δ2", "w1[3] sigmoid(z1[2]) / (1 + exp(z1[2]))"},
      {"δ2", "w1[3] exp(−z1[2]) / (1 + exp(−z1[2]))^2"},
      {"δ2", "w1[3] / (4 cosh(z1[2]/2)^2)"},
      {"δ3",
       "a1[1] w11[2] w1[3] a1[2] - a1[1] w11[2] w1[3] a1[2]^2 - a1[1]^2 w11[2] w1[3] a1[2]"
       " + a1[1]^2 w11[2] w1[3] a1[2]^2 + (a1[1] - a1[1]^2) w21[2] w2[3] (a2[2] - a2[2]^2)"},
      {"grad(z1)[0]", "δ4 / x1"},
  };
  for (const auto& [a, b] : kEqual) {
    EXPECT_TRUE(homework.AreEqual(draws, a, b)) << a << " is " << b;
    EXPECT_TRUE(homework.AreEqual(draws, b, a)) << b << " is " << a;
  }
}

TEST(FormulaDrawsTest, RefuseNearMisses) {
  const Formulas homework = Homework();
  const FormulaDraws draws(homework.plan());
  const std::pair<std::string_view, std::string_view> kUnequal[] = {
      {"δ1", "w2[3]"},
      {"δ1", "-w1[3]"},
      // Right for the numbers of the problem, where it is 2 and x1 is 1.
      {"δ1", "2"},
      {"δ4", "δ3"},
      {"δ2", "w1[3] a1[2]"},
      {"δ2", "w1[3] (1 - a1[2])"},
      {"δ2", "w1[3] a1[2] (1 + a1[2])"},
      {"δ2", "w1[3] z1[2] (1 - z1[2])"},
      {"δ2", "w1[3] a2[2] (1 - a2[2])"},
      {"δ2", "a1[2] (1 - a1[2])"},
      {"δ3", "a1[1] (1 - a1[1]) (w11[2] w1[3] a1[2] (1 - a1[2]) - w21[2] w2[3] a2[2] (1 - a2[2]))"},
      // The weight transposed.
      {"δ3", "a1[1] (1 - a1[1]) (w11[2] w1[3] a1[2] (1 - a1[2]) + w12[2] w2[3] a2[2] (1 - a2[2]))"},
      {"δ3", "a1[1] (1 - a1[1]) w11[2] w1[3] a1[2] (1 - a1[2])"},
      {"δ3", "δ3 + 1e-8"},
      {"δ3", "1.00000001 δ3"},
      {"δ3", "abs(δ3)"},
  };
  for (const auto& [a, b] : kUnequal) {
    EXPECT_FALSE(homework.AreEqual(draws, a, b)) << a << " is not " << b;
    EXPECT_FALSE(homework.AreEqual(draws, b, a)) << b << " is not " << a;
  }
}

// A rectified line: a = relu(x w), half its squared distance from t, and another node with x w.
constexpr char kRectifier[] = R"pb(
  network {
    inputs { name: "x" }
    inputs { name: "t" }
    parameters {
      name: "w"
      value { shape: 1 values: 3 }
    }
    nodes {
      name: "z"
      inputs: [ "x", "w" ]
      multiply {}
    }
    nodes {
      name: "again"
      inputs: [ "x", "w" ]
      multiply {}
    }
    nodes {
      name: "a"
      inputs: "z"
      relu {}
    }
    nodes {
      name: "L"
      inputs: [ "a", "t" ]
      half_squared_error { reduction: REDUCTION_SUM }
    }
  }
  inputs {
    name: "x"
    tensor { shape: 1 values: 2 }
  }
  inputs {
    name: "t"
    tensor { shape: 1 values: 1 }
  }
  objective: "L"
  optimizer { sgd { learning_rate: 0.1 } }
)pb";

TEST(FormulaDrawsTest, SeeBothSidesOfARectifier) {
  const Formulas formulas(FromText<v1::Problem>(kRectifier));
  EXPECT_TRUE(formulas.AreEqual("grad(w)", "(a - t) slope(a) x"));
  EXPECT_TRUE(formulas.AreEqual("grad(w)", "(a - t) max(0, z)/z x"));
  // Right where the rectifier is on, as it is at the problem's own numbers.
  EXPECT_FALSE(formulas.AreEqual("grad(w)", "(a - t) x"));
  EXPECT_FALSE(formulas.AreEqual("a", "x w"));
}

TEST(FormulaDrawsTest, HavePositiveNumbersForLogarithmsAndRoots) {
  const Formulas formulas(FromText<v1::Problem>(kRectifier));
  EXPECT_TRUE(formulas.AreEqual("log(z)", "ln(x) + log(w)"));
  EXPECT_TRUE(formulas.AreEqual("sqrt(x) sqrt(t) sqrt(w)", "sqrt(x t w)"));
  EXPECT_FALSE(formulas.AreEqual("log(z)", "ln(x) log(w)"));
  // There are enough draws in which both are finite, also with negative numbers.
  EXPECT_FALSE(formulas.AreEqual("sqrt(x²)", "x"));
  EXPECT_TRUE(formulas.AreEqual("sqrt(x²)", "abs(x)"));
}

TEST(FormulaDrawsTest, FormulasThatAreNeverFiniteEqualNothing) {
  const Formulas formulas(FromText<v1::Problem>(kRectifier));
  EXPECT_FALSE(formulas.AreEqual("0/0", "0/0"));
  EXPECT_FALSE(formulas.AreEqual("1/0 + x", "1/0 + x"));
  EXPECT_FALSE(formulas.AreEqual("x", "log(-x²)"));
}

TEST(FormulaDrawsTest, ForgiveWhatCancellingLeavesAndNoMore) {
  const Formulas formulas(FromText<v1::Problem>(kRectifier));
  EXPECT_TRUE(formulas.AreEqual("z - again", "0"));
  EXPECT_FALSE(formulas.AreEqual("1e-20 x", "0"));
  EXPECT_FALSE(formulas.AreEqual("1e-20 x", "1.1e-20 x"));
  EXPECT_FALSE(formulas.AreEqual("1e-20 x", "1e-20 t"));
  EXPECT_FALSE(formulas.AreEqual("1e-13 sin(1e15 x)", "0"));
  // What changes fast is not near to everything.
  EXPECT_FALSE(formulas.AreEqual("x + 0.001 + 1e12 (z - again)", "x"));
  EXPECT_FALSE(formulas.AreEqual("1e-9 + 1e12 (z - again)", "0"));
}

TEST(FormulaDrawsTest, GoOverUpdates) {
  auto problem = FromText<v1::Problem>(kRectifier);
  problem.add_batches();
  *problem.add_batches() =
      FromText<v1::Batch>("inputs { name: 'x' tensor { shape: 1 values: 2 } }");
  Formulas formulas(problem, Scope::kStep);
  EXPECT_FALSE(formulas.AreEqual("L@2", "L@2"));  // not computed
  formulas.Need("L@2");
  const FormulaDraws draws(formulas.plan());
  EXPECT_TRUE(formulas.AreEqual(draws, "next(w)", "w - 0.1 grad(w)"));
  EXPECT_TRUE(formulas.AreEqual(draws, "w@2", "w@1 - 0.1 grad(w)@1"));
  EXPECT_TRUE(formulas.AreEqual(draws, "L@2", "(relu(x@2 w@2) - t@2)^2 / 2"));
  EXPECT_TRUE(formulas.AreEqual(draws, "t@1", "t"));
  // The second batch brings its own x, which is the same by chance.
  EXPECT_FALSE(formulas.AreEqual(draws, "z@1", "x w@1"));
  EXPECT_TRUE(formulas.AreEqual(draws, "z@1", "x@1 w@1"));
  EXPECT_FALSE(formulas.AreEqual(draws, "next(w)", "w + 0.1 grad(w)"));
  EXPECT_FALSE(formulas.AreEqual(draws, "w@2", "w@1 - 0.1 grad(w)"));
}

// Cross entropy of two examples, with probabilities beside it. The first loss has indices.
constexpr char kClassifier[] = R"pb(
  network {
    inputs { name: "x" }
    inputs { name: "class" }
    inputs { name: "one_hot" }
    parameters {
      name: "W"
      value {
        shape: [ 3, 2 ]
        values: [ 1, 2, 3, 4, 5, 6 ]
      }
    }
    nodes {
      name: "z"
      inputs: [ "x", "W" ]
      dense {}
    }
    nodes {
      name: "p"
      inputs: "z"
      softmax {}
    }
    nodes {
      name: "L1"
      inputs: [ "z", "class" ]
      cross_entropy_with_logits { reduction: REDUCTION_SUM }
    }
    nodes {
      name: "L2"
      inputs: [ "z", "one_hot" ]
      cross_entropy_with_logits { reduction: REDUCTION_SUM }
    }
  }
  inputs {
    name: "x"
    tensor {
      shape: [ 2, 2 ]
      values: [ 1, -1, 0.5, 2 ]
    }
  }
  inputs {
    name: "class"
    tensor {
      shape: 2
      values: [ 2, 0 ]
    }
  }
  inputs {
    name: "one_hot"
    tensor {
      shape: [ 2, 3 ]
      values: [ 0, 0, 1, 1, 0, 0 ]
    }
  }
)pb";

TEST(FormulaDrawsTest, KeepIndices) {
  auto problem = FromText<v1::Problem>(kClassifier);
  problem.set_objective("L1");
  const Formulas formulas(problem);
  EXPECT_TRUE(formulas.AreEqual("grad(z)[0,2]", "p[0,2] - 1"));
  EXPECT_TRUE(formulas.AreEqual("grad(z)[0,1]", "p[0,1]"));
  EXPECT_TRUE(formulas.AreEqual("grad(W)[2,0]", "(p[0,2] - 1) x[0,0] + p[1,2] x[1,0]"));
  EXPECT_FALSE(formulas.AreEqual("grad(z)[0,2]", "p[0,2]"));
  // A sum of 1 is rounded, so that this is no exact zero.
  EXPECT_TRUE(formulas.AreEqual("p[0,0] + p[0,1] + p[0,2] - 1", "0"));
  EXPECT_TRUE(formulas.AreEqual("class[0]", "2"));
}

TEST(FormulaDrawsTest, KeepTheSumsOfTargets) {
  auto problem = FromText<v1::Problem>(kClassifier);
  problem.set_objective("L2");
  const Formulas formulas(problem);
  EXPECT_TRUE(formulas.AreEqual("grad(z)[0,2]", "p[0,2] - one_hot[0,2]"));
  EXPECT_TRUE(formulas.AreEqual("one_hot[1,0] + one_hot[1,1] + one_hot[1,2]", "1"));
  // But not the numbers.
  EXPECT_FALSE(formulas.AreEqual("grad(z)[0,2]", "p[0,2] - 1"));
  EXPECT_FALSE(formulas.AreEqual("one_hot[0,0]", "one_hot[0,1]"));
  // x sums to 1 in no row.
  EXPECT_FALSE(formulas.AreEqual("x[0,0]", "1 - x[0,1]"));
}

TEST(FormulaDrawsTest, AreMadeAnewWhereTheyAreTooLargeToKeep) {
  constexpr int64_t kElements = 1'000'000;
  auto problem = FromText<v1::Problem>(R"pb(
    network {
      inputs { name: "x" }
      nodes {
        name: "y"
        inputs: [ "x", "x" ]
        multiply {}
      }
    }
    inputs { name: "x" }
  )pb");
  v1::Tensor& x = *problem.mutable_inputs(0)->mutable_tensor();
  x.add_shape(kElements);
  x.set_raw_le_f64(std::string(sizeof(double) * kElements, '\0'));
  const Formulas formulas(problem, Scope::kForward);
  const FormulaDraws draws(formulas.plan());
  EXPECT_TRUE(formulas.AreEqual(draws, "y[999999]", "x[999999]²"));
  EXPECT_TRUE(formulas.AreEqual(draws, "y[7]", "x[7]²"));
  EXPECT_FALSE(formulas.AreEqual(draws, "y[7]", "x[8]²"));
}

TEST(FormulaDrawsTest, CanBeCancelled) {
  const Formulas formulas(FromText<v1::Problem>(kRectifier));
  const FormulaDraws draws(formulas.plan());
  const std::atomic<bool> cancelled = true;
  const auto equal = draws.AreEqual(formulas.Read("x"), formulas.Read("x"), cancelled);
  EXPECT_EQ(equal.status().code(), absl::StatusCode::kCancelled);
  // Nothing half made is kept.
  EXPECT_TRUE(formulas.AreEqual(draws, "z", "x w"));
}

TEST(FormulaDrawsTest, ServeSeveralThreads) {
  const Formulas homework = Homework();
  const FormulaDraws draws(homework.plan());
  const Formula key = homework.Read("δ2");
  const Formula right = homework.Read("w1[3] a1[2] (1 - a1[2])");
  const Formula wrong = homework.Read("w1[3] a1[2]");
  std::vector<int> failures(4);
  {
    std::vector<std::thread> threads;
    for (int& failure : failures) {
      threads.emplace_back([&] {
        const std::atomic<bool> cancelled = false;
        for (int i = 0; i < 50; ++i) {
          if (!*draws.AreEqual(key, right, cancelled)) ++failure;
          if (*draws.AreEqual(key, wrong, cancelled)) ++failure;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(failures, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace gradus
