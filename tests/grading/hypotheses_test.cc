// Which known mistakes are named, on networks small enough to follow by hand: the mistake and
// nothing beside it, unless the numbers cannot tell.

#include <atomic>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "server/grading/grader.h"
#include "server/grading/hypotheses/hypothesis.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;
using ::testing::Not;

using Codes = std::vector<std::string>;
using Numbers = std::vector<double>;

// A paper of numbers of a program, on a problem that asks for just those.
class Paper {
 public:
  explicit Paper(const std::string& problem) {
    assignment_.set_name("a");
    v1::NamedProblem* named = assignment_.add_problems();
    named->set_name("p");
    *named->mutable_problem() = FromText<v1::Problem>(problem);
  }

  // `shape` is that of the quantity.
  Paper& Write(const std::string& quantity, const std::vector<int64_t>& shape,
               const Numbers& numbers) {
    v1::Item* item = assignment_.add_items();
    item->set_id(quantity);
    item->set_quantity(quantity);
    v1::Answer* answer = submission_.add_answers();
    answer->set_item(quantity);
    answer->mutable_tensor()->mutable_shape()->Assign(shape.begin(), shape.end());
    answer->mutable_tensor()->mutable_values()->Assign(numbers.begin(), numbers.end());
    return *this;
  }

  // A single number, by hand and to two decimals.
  Paper& WriteByHand(const std::string& quantity, const std::string& text) {
    v1::Item* item = assignment_.add_items();
    item->set_id(quantity);
    item->set_quantity(quantity);
    item->mutable_required_digits()->set_decimals(2);
    v1::Answer* answer = submission_.add_answers();
    answer->set_item(quantity);
    answer->mutable_text()->add_values(text);
    return *this;
  }

  v1::GradeReport Grade() const {
    const std::atomic<bool> cancelled = false;
    const auto compiled = CompiledAssignment::Compile(assignment_, Limits(), cancelled);
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    return *GradeSubmission(*compiled, submission_, cancelled);
  }

  // The codes of its only finding.
  Codes Named() const {
    const v1::GradeReport report = Grade();
    Codes codes;
    EXPECT_EQ(report.findings_size(), 1) << report.DebugString();
    for (const v1::Finding& finding : report.findings()) {
      for (const v1::Mistake& mistake : finding.mistakes()) codes.push_back(mistake.code());
    }
    return codes;
  }

 private:
  v1::Assignment assignment_;
  v1::Submission submission_;
};

Codes Named(const std::string& problem, const std::string& quantity,
            const std::vector<int64_t>& shape, const Numbers& numbers) {
  return Paper(problem).Write(quantity, shape, numbers).Named();
}

// Three examples x = (1, 2), (0, 1), (2, 0), W = (1, 1), b = 1, t = (1, 4, 6):
// y = (4, 2, 3), y - t = (3, -2, -3), whose squares are 9, 4 and 9.
std::string Regression(const std::string& loss) {
  return R"pb(
           network { inputs { name: "x" }
                     inputs { name: "t" }
                     parameters {
                       name: "W"
                       value { shape: 1 shape: 2 values: 1 values: 1 }
                     }
                     parameters {
                       name: "b"
                       value { shape: 1 values: 1 }
                     }
                     nodes {
                       name: "y"
                       inputs: "x"
                       inputs: "W"
                       inputs: "b"
                       dense {}
                     }
                     nodes { name: "L" inputs: "y" inputs: "t")pb" +
         loss + R"pb(}
                     }
           inputs {
             name: "x"
             tensor {
               shape: 3
               shape: 2
               values: [ 1, 2, 0, 1, 2, 0 ]
             }
           }
           inputs {
             name: "t"
             tensor {
               shape: 3
               shape: 1
               values: [ 1, 4, 6 ]
             }
           }
           objective: "L"
         )pb";
}

// L = 22/3, dL/dy = (2, -4/3, -2); dL/dW = (2 - 4, 4 - 4/3) = (-2, 8/3), dL/db = -4/3.
const std::string kMean = Regression("squared_error { reduction: REDUCTION_MEAN }");
// L = 22, dL/dy = (6, -4, -6); dL/dW = (-6, 8), dL/db = -4.
const std::string kSum = Regression("squared_error { reduction: REDUCTION_SUM }");

TEST(MissingBatchMeanTest, IsNamedAtAMean) {
  for (const double wrong : {22.0, 22.0 / 9, 11.0}) {  // no mean, two means, over n - 1
    EXPECT_THAT(Named(kMean, "L", {}, {wrong}), ElementsAre("missing_batch_mean")) << wrong;
  }
  EXPECT_THAT(Named(kSum, "L", {}, {22.0 / 3}), ElementsAre("missing_batch_mean"));
}

TEST(MissingBatchMeanTest, IsNamedWhereTheMeanIsDifferentiated) {
  EXPECT_THAT(Named(kMean, "grad(y)", {3, 1}, {6, -4, -6}), ElementsAre("missing_batch_mean"));
  EXPECT_THAT(Named(kMean, "grad(y)", {3, 1}, {2.0 / 3, -4.0 / 9, -2.0 / 3}),
              ElementsAre("missing_batch_mean"));
  EXPECT_THAT(Named(kSum, "grad(y)", {3, 1}, {2, -4.0 / 3, -2}), ElementsAre("missing_batch_mean"));
}

TEST(MissingBatchMeanTest, IsNamedAtParameters) {
  // The sum, and the mean of what is a mean already.
  EXPECT_THAT(Named(kMean, "grad(W)", {1, 2}, {-6, 8}), ElementsAre("missing_batch_mean"));
  EXPECT_THAT(Named(kMean, "grad(W)", {1, 2}, {-2.0 / 3, 8.0 / 9}),
              ElementsAre("missing_batch_mean"));
  EXPECT_THAT(Named(kMean, "grad(b)", {1}, {-4}), ElementsAre("missing_batch_mean"));
  EXPECT_THAT(Named(kMean, "grad(b)", {1}, {-4.0 / 9}), ElementsAre("missing_batch_mean"));
  EXPECT_THAT(Named(kSum, "grad(W)", {1, 2}, {-2, 8.0 / 3}), ElementsAre("missing_batch_mean"));
}

// p = sigma(0, 0, ln 3) = (1/2, 1/2, 3/4), t = (1, 0, 0): dL/dz = (p - t) / 3. Many write no dL/dp.
TEST(MissingBatchMeanTest, IsNamedWhereTheLossIsReadThroughASigmoid) {
  const std::string logistic = R"pb(
    network {
      inputs { name: "t" }
      parameters {
        name: "z"
        value {
          shape: 3
          values: [ 0, 0, 1.0986122886681098 ]
        }
      }
      nodes {
        name: "p"
        inputs: "z"
        sigmoid {}
      }
      nodes {
        name: "L"
        inputs: "p"
        inputs: "t"
        binary_cross_entropy { reduction: REDUCTION_MEAN }
      }
    }
    inputs {
      name: "t"
      tensor {
        shape: 3
        values: [ 1, 0, 0 ]
      }
    }
    objective: "L"
  )pb";
  EXPECT_THAT(Named(logistic, "grad(z)", {3}, {-0.5, 0.5, 0.75}),
              ElementsAre("missing_batch_mean"));
}

// The examples are columns: X = ((1, 0, 2), (2, 1, 0)), W = (1, 1), y = W X = (3, 1, 2); L their
// sum, so dL/dW has the sums of the rows of X: 3 and 3.
TEST(MissingBatchMeanTest, IsNamedWhereExamplesAreColumns) {
  const std::string columns = R"pb(
    network {
      inputs { name: "X" }
      parameters {
        name: "W"
        value {
          shape: 1
          shape: 2
          values: [ 1, 1 ]
        }
      }
      nodes {
        name: "y"
        inputs: "W"
        inputs: "X"
        mat_mul {}
      }
      nodes {
        name: "L"
        inputs: "y"
        sum {}
      }
    }
    inputs {
      name: "X"
      tensor {
        shape: 2
        shape: 3
        values: [ 1, 0, 2, 2, 1, 0 ]
      }
    }
    objective: "L"
  )pb";
  EXPECT_THAT(Named(columns, "L", {}, {2}), ElementsAre("missing_batch_mean"));
  EXPECT_THAT(Named(columns, "grad(W)", {1, 2}, {1, 1}), ElementsAre("missing_batch_mean"));
}

// No objective averages here, so nobody can have forgotten it.
TEST(MissingBatchMeanTest, IsNotNamedWhereNothingIsAveraged) {
  EXPECT_THAT(Named(kSum, "L", {}, {66}), Not(Contains("missing_batch_mean")));
  EXPECT_THAT(Named(kSum, "grad(W)", {1, 2}, {-18, 24}), Not(Contains("missing_batch_mean")));
}

// Three times the gradient of z, which no mean reads: what is known is that all are off alike.
TEST(MissingBatchMeanTest, IsNotNamedInTheMiddleOfANetwork) {
  const std::string deep = R"pb(
    network {
      inputs { name: "h" }
      inputs { name: "t" }
      parameters {
        name: "w"
        value { shape: 1 shape: 1 values: 2 }
      }
      parameters {
        name: "v"
        value { shape: 1 shape: 1 values: 3 }
      }
      nodes {
        name: "z"
        inputs: "h"
        inputs: "v"
        dense {}
      }
      nodes {
        name: "y"
        inputs: "z"
        inputs: "w"
        dense {}
      }
      nodes {
        name: "L"
        inputs: "y"
        inputs: "t"
        squared_error { reduction: REDUCTION_MEAN }
      }
    }
    inputs {
      name: "h"
      tensor {
        shape: 3
        shape: 1
        values: [ 1, 2, 3 ]
      }
    }
    inputs {
      name: "t"
      tensor {
        shape: 3
        shape: 1
        values: [ 0, 18, 15 ]
      }
    }
    objective: "L"
  )pb";
  // y = (6, 12, 18), dL/dy = 2 (6, -6, 3) / 3 = (4, -4, 2), dL/dz = (8, -8, 4).
  EXPECT_THAT(Named(deep, "grad(z)", {3, 1}, {24, -24, 12}), ElementsAre("factor"));
}

// One of the examples is no mean: -4/3 = 2 - 4/3 - 2 has 2 for the first.
TEST(MissingBatchMeanTest, LeavesTheBiasThatIsNotSummedItsName) {
  EXPECT_THAT(Named(kMean, "grad(b)", {1}, {2}), ElementsAre("missing_bias_sum"));
}

// Of two, a half of a mean or of a square cannot be told apart.
TEST(MissingBatchMeanTest, IsNamedBesideTheFactorOfTwo) {
  const std::string two = R"pb(
    network {
      inputs { name: "y" }
      nodes {
        name: "L"
        inputs: "y"
        mean {}
      }
    }
    inputs {
      name: "y"
      tensor {
        shape: 2
        values: [ 3, 5 ]
      }
    }
    objective: "L"
  )pb";
  EXPECT_THAT(Named(two, "L", {}, {8}), ElementsAre("factor", "missing_batch_mean"));
  EXPECT_THAT(Named(two, "L", {}, {-4}), ElementsAre("sign_flip"));
}

// L = (x w)^2 / 4 with x = 2, w = 3, so dL/dw = 2 w = 6.
std::string Descent(const std::string& learning_rate) {
  return R"pb(
           network {
             inputs { name: "x" }
             parameters {
               name: "w"
               value { values: 3 }
             }
             nodes {
               name: "z"
               inputs: "x"
               inputs: "w"
               multiply {}
             }
             nodes {
               name: "h"
               inputs: "z"
               inputs: "z"
               multiply {}
             }
             nodes {
               name: "L"
               inputs: "h"
               scale { factor: 0.25 }
             }
           }
           inputs {
             name: "x"
             tensor { values: 2 }
           }
           objective: "L"
           optimizer { sgd { learning_rate:)pb" +
         learning_rate + "} }";
}

// w' = 3 - 0.6 = 2.4.
TEST(StepTest, EachMistakeHasItsOwnName) {
  const std::string descent = Descent("0.1");
  EXPECT_THAT(Named(descent, "next(w)", {}, {3 - 0.06}), ElementsAre("learning_rate_twice"));
  EXPECT_THAT(Named(descent, "next(w)", {}, {3 - 6.0}), ElementsAre("learning_rate_missing"));
  EXPECT_THAT(Named(descent, "next(w)", {}, {3 - 1.2}), ElementsAre("factor"));
  EXPECT_THAT(Named(descent, "next(w)", {}, {3 - 0.3}), ElementsAre("factor"));
  EXPECT_THAT(Named(descent, "next(w)", {}, {3 + 0.6}), ElementsAre("gradient_ascent"));
  EXPECT_THAT(Named(descent, "next(w)", {}, {3}), ElementsAre("no_update"));
}

// w' = 3 - 3 = 0. The rate is the factor of two.
TEST(StepTest, ARateOfOneHalfIsNoFactor) {
  const std::string descent = Descent("0.5");
  EXPECT_THAT(Named(descent, "next(w)", {}, {3 - 6.0}), ElementsAre("learning_rate_missing"));
  EXPECT_THAT(Named(descent, "next(w)", {}, {3 - 1.5}), ElementsAre("learning_rate_twice"));
}

// z = w x = ln 3 with x = 2, y = sigma(z) = 3/4, t = 1/2, L = (y - t)^2 / 2: dL/dy = 1/4,
// sigma'(z) = 3/16, dL/dz = 3/64, dL/dw = 3/32.
constexpr char kUnit[] = R"pb(
  network {
    inputs { name: "x" }
    inputs { name: "t" }
    parameters {
      name: "w"
      value { values: 0.54930614433405485 }
    }
    nodes {
      name: "z"
      inputs: "x"
      inputs: "w"
      multiply {}
    }
    nodes {
      name: "y"
      inputs: "z"
      sigmoid {}
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
    tensor { values: 2 }
  }
  inputs {
    name: "t"
    tensor { values: 0.5 }
  }
  objective: "L"
)pb";

// The gradient of t would be -1/4, and make the same of dL/dz.
TEST(LayerIndexTest, ATargetHasNoGradientToBeTakenForAnother) {
  EXPECT_THAT(Named(kUnit, "grad(z)", {}, {-3.0 / 64}), ElementsAre("sign_flip"));
}

// Nothing moves, so dL/dy is 1/4 after the update too. What comes later than that in the order has
// not been worked out again: dL/dz = 3/64 of before the update explains nothing.
TEST(LayerIndexTest, ALaterGradientOfTheLastUpdateIsNotTaken) {
  std::string frozen = kUnit;
  frozen.insert(frozen.find("value {"), "frozen: true ");
  const std::string two_updates =
      frozen + "optimizer { sgd { learning_rate: 0.5 } } batches {} batches {}";
  EXPECT_THAT(Named(two_updates, "grad(y)@1", {}, {3.0 / 256}), ElementsAre("arithmetic_slip"));
}

// As z is positive, a rectifier would have slope 1 there.
TEST(OtherActivationDerivativeTest, NoSlopeIsNotThatOfARectifier) {
  EXPECT_THAT(Named(kUnit, "grad(z)", {}, {0.25}), ElementsAre("missing_activation_derivative"));
  // 1 - y^2 = 7/16.
  EXPECT_THAT(Named(kUnit, "grad(z)", {}, {7.0 / 64}), ElementsAre("other_activation_derivative"));
  EXPECT_THAT(Named(kUnit, "slope(y)", {}, {7.0 / 16}), ElementsAre("other_activation_derivative"));
}

// h1 = sigma(0, ln 3) = (1/2, 3/4), z2 = W h1 = (5/4, 3/2), h2 = sigma(z2).
constexpr char kTwoActivations[] = R"pb(
  network {
    parameters {
      name: "z1"
      value {
        shape: 2
        values: [ 0, 1.0986122886681098 ]
      }
    }
    parameters {
      name: "W"
      value {
        shape: 2
        shape: 2
        values: [ 1, 1, 0, 2 ]
      }
    }
    nodes {
      name: "h1"
      inputs: "z1"
      sigmoid {}
    }
    nodes {
      name: "z2"
      inputs: "h1"
      inputs: "W"
      dense {}
    }
    nodes {
      name: "h2"
      inputs: "z2"
      sigmoid {}
    }
    nodes {
      name: "L"
      inputs: "h2"
      sum {}
    }
  }
  objective: "L"
)pb";

double SigmoidSlope(double z) { return std::exp(-z) / std::pow(1 + std::exp(-z), 2); }

TEST(LayerIndexTest, TheSlopeOfAnotherActivationIsOne) {
  const Numbers first = {0.25, 3.0 / 16};
  const Numbers second = {SigmoidSlope(1.25), SigmoidSlope(1.5)};
  EXPECT_THAT(Named(kTwoActivations, "slope(h2)", {2}, first),
              ElementsAre("layer_index_off_by_one"));
  EXPECT_THAT(Named(kTwoActivations, "slope(h1)", {2}, second),
              ElementsAre("layer_index_off_by_one"));
  // 1 - h1^2, sigma'(h1) and the square of the slope.
  EXPECT_THAT(Named(kTwoActivations, "slope(h1)", {2}, {3.0 / 4, 7.0 / 16}),
              ElementsAre("other_activation_derivative"));
  EXPECT_THAT(Named(kTwoActivations, "slope(h1)", {2}, {SigmoidSlope(0.5), SigmoidSlope(0.75)}),
              ElementsAre("derivative_at_activation"));
  EXPECT_THAT(Named(kTwoActivations, "slope(h1)", {2}, {1.0 / 16, 9.0 / 256}),
              ElementsAre("extra_activation_derivative"));
}

// z1 = W1 x = (0, ln 3), h1 = sigma(z1), z2 = W2 h1, L the sum of z2: dL/dz2 = (1, 1),
// dL/dh1 = (1, 3), sigma'(z1) = (1/4, 3/16), dL/dz1 = (1/4, 9/16), times x = (1, 2).
TEST(LayerIndexTest, TheGradientOfTheActivationIsNotOneOfAnotherPlace) {
  const std::string deep = R"pb(
    network {
      inputs { name: "x" }
      parameters {
        name: "W1"
        value {
          shape: 2
          shape: 2
          values: [ 0, 0, 1.0986122886681098, 0 ]
        }
      }
      parameters {
        name: "W2"
        value {
          shape: 2
          shape: 2
          values: [ 1, 1, 0, 2 ]
        }
      }
      nodes {
        name: "z1"
        inputs: "x"
        inputs: "W1"
        dense {}
      }
      nodes {
        name: "h1"
        inputs: "z1"
        sigmoid {}
      }
      nodes {
        name: "z2"
        inputs: "h1"
        inputs: "W2"
        dense {}
      }
      nodes {
        name: "L"
        inputs: "z2"
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
  )pb";
  EXPECT_THAT(Named(deep, "grad(W1)", {2, 2}, {1, 2, 3, 6}),
              ElementsAre("missing_activation_derivative"));
  EXPECT_THAT(Named(deep, "grad(W1)", {2, 2}, {1, 2, 1, 2}), ElementsAre("layer_index_off_by_one"));
}

// z1 = x + b, z2 = W z1 + b, L the sum of z2: dL/dz2 = (1, 1), dL/dz1 = (1, 5), so dL/db = 2 + 6.
TEST(MissingBiasSumTest, IsToldFromAUseThatIsLeftOut) {
  const std::string shared = R"pb(
    network {
      inputs { name: "x" }
      parameters {
        name: "b"
        value { shape: 1 values: 1 }
      }
      parameters {
        name: "W"
        value {
          shape: 2
          shape: 2
          values: [ 1, 1, 0, 4 ]
        }
      }
      nodes {
        name: "z1"
        inputs: "x"
        inputs: "b"
        add {}
      }
      nodes {
        name: "z2"
        inputs: "z1"
        inputs: "W"
        inputs: "b"
        dense {}
      }
      nodes {
        name: "L"
        inputs: "z2"
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
  )pb";
  EXPECT_THAT(Named(shared, "grad(b)", {1}, {2}), ElementsAre("shared_parameter_last_use_only"));
  EXPECT_THAT(Named(shared, "grad(b)", {1}, {6}), ElementsAre("shared_parameter_last_use_only"));
  // The first unit of z1 alone.
  EXPECT_THAT(Named(shared, "grad(b)", {1}, {2 + 1}), ElementsAre("missing_bias_sum"));
}

// y = 3, E = (3 - 1)^2 / 2 = 2, P = (1 + 4) / 2 = 5/2, Q = 0.1 (1 + 2) = 3/10, L = 4.8;
// dE/dW = (2, 2), dP/dW = (1, 2), dQ/dW = (0.1, 0.1).
constexpr char kPenalized[] = R"pb(
  network {
    inputs { name: "x" }
    inputs { name: "t" }
    parameters {
      name: "W"
      value {
        shape: 1
        shape: 2
        values: [ 1, 2 ]
      }
    }
    nodes {
      name: "y"
      inputs: "x"
      inputs: "W"
      dense {}
    }
    nodes {
      name: "E"
      inputs: "y"
      inputs: "t"
      half_squared_error { reduction: REDUCTION_SUM }
    }
    nodes {
      name: "P"
      inputs: "W"
      l2_penalty { strength: 0.5 }
    }
    nodes {
      name: "R"
      inputs: "W"
      l1_penalty { strength: 1 }
    }
    nodes {
      name: "Q"
      inputs: "R"
      scale { factor: 0.1 }
    }
    nodes {
      name: "L"
      inputs: "E"
      inputs: "P"
      inputs: "Q"
      add {}
    }
  }
  inputs {
    name: "x"
    tensor {
      shape: 2
      values: [ 1, 1 ]
    }
  }
  inputs {
    name: "t"
    tensor { shape: 1 values: 1 }
  }
  objective: "L"
)pb";

TEST(RegularizationTest, APenaltyThatIsNotAddedIsNoPath) {
  for (const double wrong : {4.8 - 2.5, 4.8 - 0.3, 2.0}) {  // without P, without Q, without both
    EXPECT_THAT(Named(kPenalized, "L", {}, {wrong}), ElementsAre("missing_regularization"))
        << wrong;
  }
  for (const double wrong : {4.8 + 2.5, 4.8 + 0.3, 4.8 + 2.8}) {
    EXPECT_THAT(Named(kPenalized, "L", {}, {wrong}), ElementsAre("doubled_regularization"))
        << wrong;
  }
  EXPECT_THAT(Named(kPenalized, "L", {}, {2.8}), ElementsAre("missing_residual_path"));
}

// dL/dW = (3.1, 4.1).
TEST(RegularizationTest, APenaltyIsNoUseOfASharedParameter) {
  EXPECT_THAT(Named(kPenalized, "grad(W)", {1, 2}, {2, 2}), ElementsAre("missing_regularization"));
  EXPECT_THAT(Named(kPenalized, "grad(W)", {1, 2}, {2.1, 2.1}),
              ElementsAre("missing_regularization"));
  EXPECT_THAT(Named(kPenalized, "grad(W)", {1, 2}, {4.1, 6.1}),
              ElementsAre("doubled_regularization"));
}

// h = x w = 6, g = h + x = 8, y = g w = 24: dy/dw = 8 there, and 3 * 2 by h; the penalty adds 3.
TEST(SharedParameterTest, KeepsThePenaltyOfWhatIsLeft) {
  const std::string shared = R"pb(
    network {
      inputs { name: "x" }
      parameters {
        name: "w"
        value { values: 3 }
      }
      nodes {
        name: "h"
        inputs: "x"
        inputs: "w"
        multiply {}
      }
      nodes {
        name: "g"
        inputs: "h"
        inputs: "x"
        add {}
      }
      nodes {
        name: "y"
        inputs: "g"
        inputs: "w"
        multiply {}
      }
      nodes {
        name: "P"
        inputs: "w"
        l2_penalty { strength: 0.5 }
      }
      nodes {
        name: "L"
        inputs: "y"
        inputs: "P"
        add {}
      }
    }
    inputs {
      name: "x"
      tensor { values: 2 }
    }
    objective: "L"
  )pb";
  EXPECT_THAT(Named(shared, "grad(w)", {}, {8 + 3}), ElementsAre("shared_parameter_last_use_only"));
  EXPECT_THAT(Named(shared, "grad(w)", {}, {6 + 3}), ElementsAre("shared_parameter_last_use_only"));
  EXPECT_THAT(Named(shared, "grad(w)", {}, {8 + 6}), ElementsAre("missing_regularization"));
  EXPECT_THAT(Named(shared, "grad(w)", {}, {8 + 6 + 6}), ElementsAre("doubled_regularization"));
}

// dL/dz = 0.047. The sign explains -0.05, but so coarse a number may be anything.
TEST(ArithmeticSlipTest, IsNotSaidOfANumberThatAKnownMistakeMayExplain) {
  EXPECT_THAT(Paper(kUnit).WriteByHand("grad(z)", "-0.05").Named(), IsEmpty());
  EXPECT_THAT(Paper(kUnit).WriteByHand("grad(z)", "0.40").Named(), ElementsAre("arithmetic_slip"));
}

// z = (0, ln 3), so p = softmax(z) = (1/4, 3/4); t = (1, 0).
std::string Classes(const std::string& nodes) {
  return R"pb(
           network { inputs { name: "t" }
                     parameters {
                       name: "z"
                       value {
                         shape: 2
                         values: [ 0, 1.0986122886681098 ]
                       }
                     }
         )pb" +
         nodes + R"pb(
    }
    inputs {
             name: "t"
             tensor {
               shape: 2
               values: [ 1, 0 ]
             }
           }
           objective: "L"
         )pb";
}

// z = ln 3, so p = sigma(z) = 3/4, sigma'(z) = 3/16; t = 0.
std::string Binary(const std::string& nodes) {
  return R"pb(
           network { inputs { name: "t" }
                     parameters {
                       name: "z"
                       value { values: 1.0986122886681098 }
                     }
         )pb" +
         nodes + R"pb(
    }
    inputs {
             name: "t"
             tensor { values: 0 }
           }
           objective: "L"
         )pb";
}

// dL/dp = (-4, 0), dL/dz = p - t = (-3/4, 3/4).
TEST(SoftmaxTest, IsDifferentiatedTwiceBehindACrossEntropy) {
  const std::string plain = Classes(R"pb(
    nodes {
      name: "p"
      inputs: "z"
      softmax {}
    }
    nodes {
      name: "L"
      inputs: "p"
      inputs: "t"
      cross_entropy { reduction: REDUCTION_SUM }
    }
  )pb");
  EXPECT_THAT(Named(plain, "grad(p)", {2}, {-0.75, 0.75}),
              ElementsAre("softmax_differentiated_twice"));
  // With u = p - t: u p = 3/8, so 1/4 (-3/4 - 3/8) and 3/4 (3/4 - 3/8).
  EXPECT_THAT(Named(plain, "grad(z)", {2}, {-9.0 / 32, 9.0 / 32}),
              ElementsAre("softmax_differentiated_twice"));
  // p (1 - p) = 3/16 for both: of p - t, and of dL/dp.
  EXPECT_THAT(Named(plain, "grad(z)", {2}, {-9.0 / 64, 9.0 / 64}),
              ElementsAre("softmax_differentiated_twice"));
  EXPECT_THAT(Named(plain, "grad(z)", {2}, {-0.75, 0}),
              ElementsAre("softmax_jacobian_elementwise"));
  EXPECT_THAT(Named(plain, "grad(z)", {2}, {-4, 0}), ElementsAre("missing_activation_derivative"));
}

TEST(SoftmaxTest, IsDifferentiatedTwiceInALossOfLogits) {
  const std::string fused = Classes(R"pb(
    nodes {
      name: "L"
      inputs: "z"
      inputs: "t"
      cross_entropy_with_logits { reduction: REDUCTION_SUM }
    }
  )pb");
  EXPECT_THAT(Named(fused, "grad(z)", {2}, {-9.0 / 32, 9.0 / 32}),
              ElementsAre("softmax_differentiated_twice"));
  // sigma(z) - t, with sigma(0) = 1/2.
  EXPECT_THAT(Named(fused, "grad(z)", {2}, {-0.5, 0.75}), ElementsAre("softmax_as_sigmoid"));
}

// dL/dp = 1 / (1 - p) = 4, dL/dz = p = 3/4.
TEST(SoftmaxTest, SoIsASigmoid) {
  const std::string plain = Binary(R"pb(
    nodes {
      name: "p"
      inputs: "z"
      sigmoid {}
    }
    nodes {
      name: "L"
      inputs: "p"
      inputs: "t"
      binary_cross_entropy { reduction: REDUCTION_SUM }
    }
  )pb");
  EXPECT_THAT(Named(plain, "grad(p)", {}, {0.75}), ElementsAre("softmax_differentiated_twice"));
  EXPECT_THAT(Named(plain, "grad(z)", {}, {9.0 / 64}), ElementsAre("softmax_differentiated_twice"));
  EXPECT_THAT(Named(plain, "grad(z)", {}, {4}), ElementsAre("missing_activation_derivative"));
  const std::string fused = Binary(R"pb(
    nodes {
      name: "L"
      inputs: "z"
      inputs: "t"
      binary_cross_entropy_with_logits { reduction: REDUCTION_SUM }
    }
  )pb");
  EXPECT_THAT(Named(fused, "grad(z)", {}, {9.0 / 64}), ElementsAre("softmax_differentiated_twice"));
  // Behind a squared error there is no p - t to begin with.
  EXPECT_THAT(Named(kUnit, "grad(z)", {}, {9.0 / 1024}),
              ElementsAre("extra_activation_derivative"));
}

// y = (100, 101, 7, 6927).
constexpr char kNumbers[] = R"pb(
  network {
    parameters {
      name: "v"
      value {
        shape: 4
        values: [ 100, 101, 7, 6927 ]
      }
    }
    nodes {
      name: "y"
      inputs: "v"
      scale { factor: 1 }
    }
    nodes {
      name: "L"
      inputs: "y"
      sum {}
    }
  }
  objective: "L"
)pb";

// What was judged wrong is wrong, however near it is to what is right.
TEST(WritingTest, NumbersNearEachOtherAreExchangedToo) {
  EXPECT_THAT(Named(kNumbers, "y", {4}, {101, 100, 7, 6927}), ElementsAre("entries_swapped"));
  EXPECT_THAT(Named(kNumbers, "y", {4}, {100, 101, 7, 6972}), ElementsAre("transposed_digits"));
  EXPECT_THAT(Named(kNumbers, "y", {4}, {100, 101, 0.7, 6927}), ElementsAre("decimal_point"));
  EXPECT_THAT(Named(kNumbers, "y", {4}, {100, 101, 5, 6927}), ElementsAre("arithmetic_slip"));
}

// All are 10 % more; and 1 % more, which is what errors look like that have nothing in common.
TEST(WritingTest, ARatioNearOneIsNoFactor) {
  EXPECT_THAT(Named(kNumbers, "y", {4}, {110, 111.1, 7.7, 7619.7}), ElementsAre("factor"));
  EXPECT_THAT(Named(kNumbers, "y", {4}, {101, 102.01, 7.07, 6996.27}), IsEmpty());
}

}  // namespace
}  // namespace gradus
