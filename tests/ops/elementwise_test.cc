// Elementwise functions and activations: known numbers, kinks, the ends of the number line, and the
// errors of attributes and operands. Numbers with many digits come from PyTorch, in the tails from
// 113-bit arithmetic.
#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "tests/ops/check_op.h"

namespace gradus::testing {
namespace {

using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsNan;
using ::testing::Pointwise;

// The output for an operand of one number that is known to lie in an interval.
Interval OutputRange(const std::string& op, double lo, double hi) {
  const std::vector<Tensor<Interval>> operands = {Tensor<Interval>({1}, {Interval(lo, hi)})};
  return Forward(FromText<v1::Node>(op), operands)[0];
}

// Arithmetic

TEST(DivideTest, KnownValues) {
  const Operands operands = {Vector({1, -3}), Vector({4, 0.7})};
  EXPECT_THAT(ValuesOf("divide {}", operands),
              Pointwise(DoubleEq(), Numbers{0.25, -4.285714285714286}));
  EXPECT_THAT(GradientOf("divide {}", operands, 0),
              Pointwise(DoubleEq(), Numbers{0.25, 1.4285714285714286}));
  EXPECT_THAT(GradientOf("divide {}", operands, 1),
              Pointwise(DoubleEq(), Numbers{-0.0625, 6.122448979591837}));
}

TEST(DivideTest, BroadcastsAndSumsBack) {
  const Operands operands = {Matrix(2, {8, 16}), Matrix(1, {2, 4})};
  EXPECT_THAT(ValuesOf("divide {}", operands), ElementsAre(4, 2, 8, 4));
  EXPECT_THAT(GradientOf("divide {}", operands, 0, {1, 2, 3, 4}), ElementsAre(1, 2.5));
  EXPECT_THAT(GradientOf("divide {}", operands, 1, {1, 2, 3, 4}), ElementsAre(-14, -5));
}

TEST(DivideTest, ByZeroIsWhatIeeeSays) {
  EXPECT_THAT(ValuesOf("divide {}", {Vector({1, -1, 1, 0}), Vector({0, 0, -0.0, 0})}),
              ElementsAre(kInfinity, -kInfinity, -kInfinity, IsNan()));
}

// b^2 is 0 or infinity here.
TEST(DivideTest, TheDerivativeOfATinyOrHugeDivisorKeepsItsDigits) {
  EXPECT_THAT(GradientOf("divide {}", {Vector({1e-200, 1e200}), Vector({1e-180, 1e170})}, 1),
              Pointwise(DoubleEq(), Numbers{-1e160, -1e-140}));
}

// 1 / b overflows where u / b does not.
TEST(DivideTest, TheGradientOfATinyDivisorIsFinite) {
  const Operands operands = {Vector({1e-5}), Vector({1e-310})};
  EXPECT_NEAR(GradientOf("divide {}", operands, 0, {1e-5})[0] / 1e305, 1, 1e-12);
  EXPECT_THAT(GradientOf("divide {}", {Vector({1}), Vector({1e-200})}, 1, {1e-200}),
              ElementsAre(DoubleEq(-1e200)));
}

TEST(MaximumTest, GivesTheGradientToTheOneThatCounts) {
  const Operands operands = {Matrix(2, {1, 5}), Vector({2, 4, 6})};
  EXPECT_THAT(ValuesOf("maximum {}", operands), ElementsAre(2, 4, 6, 5, 5, 6));
  EXPECT_THAT(GradientOf("maximum {}", operands, 0, {1, 2, 4, 8, 16, 32}), ElementsAre(0, 24));
  EXPECT_THAT(GradientOf("maximum {}", operands, 1, {1, 2, 4, 8, 16, 32}), ElementsAre(1, 2, 36));
  EXPECT_THAT(ValuesOf("minimum {}", operands), ElementsAre(1, 1, 1, 2, 4, 5));
  EXPECT_THAT(GradientOf("minimum {}", operands, 0, {1, 2, 4, 8, 16, 32}), ElementsAre(7, 32));
  EXPECT_THAT(GradientOf("minimum {}", operands, 1, {1, 2, 4, 8, 16, 32}), ElementsAre(8, 16, 0));
}

TEST(MaximumTest, TiesGoToAOrAreSplit) {
  const Operands tie = {Vector({3, 0}), Vector({3, -0.0})};
  for (const std::string op : {"maximum", "minimum"}) {
    for (int position : {0, 1}) {
      const double to_first = position == 0 ? 1 : 0;
      EXPECT_THAT(GradientOf(op + " {}", tie, position), Each(to_first));
      EXPECT_THAT(ForwardModeOf(op + " {}", tie, position).gradient, Each(to_first));
      EXPECT_THAT(ForwardModeOf(op + " {}", tie, position).at_kink, Each(true));
      const std::string split = op + " { split_ties: true }";
      EXPECT_THAT(ValuesOf(split, tie), ElementsAre(3, 0));
      EXPECT_THAT(GradientOf(split, tie, position), Each(0.5));
      EXPECT_THAT(ForwardModeOf(split, tie, position).gradient, Each(0.5));
      EXPECT_THAT(ForwardModeOf(split, tie, position).at_kink, Each(true));
    }
  }
}

TEST(MaximumTest, HandsOnNanAndTheEndsOfTheNumberLine) {
  const Operands operands = {Vector({kNan, 1, kInfinity, -kInfinity, kLargest, kLargest}),
                             Vector({1, kNan, 1, 1, -kLargest, kLargest})};
  for (const std::string attribute : {"", "split_ties: true"}) {
    EXPECT_THAT(ValuesOf("maximum { " + attribute + " }", operands),
                ElementsAre(IsNan(), IsNan(), kInfinity, 1, kLargest, kLargest));
    EXPECT_THAT(ValuesOf("minimum { " + attribute + " }", operands),
                ElementsAre(IsNan(), IsNan(), 1, -kInfinity, -kLargest, kLargest));
    const double at_tie = attribute.empty() ? 1 : 0.5;
    const Numbers of_maximum = {1, 0, 1, 0, 1, at_tie};
    const Numbers of_minimum = {1, 0, 0, 1, 0, at_tie};
    EXPECT_EQ(GradientOf("maximum { " + attribute + " }", operands, 0), of_maximum);
    EXPECT_EQ(ForwardModeOf("maximum { " + attribute + " }", operands, 0).gradient, of_maximum);
    EXPECT_EQ(GradientOf("minimum { " + attribute + " }", operands, 0), of_minimum);
    EXPECT_EQ(ForwardModeOf("minimum { " + attribute + " }", operands, 0).gradient, of_minimum);
  }
}

TEST(MaximumTest, InfinitiesTieToo) {
  const Operands tie = {Vector({kInfinity, -kInfinity}), Vector({kInfinity, -kInfinity})};
  for (const std::string op : {"maximum", "minimum"}) {
    for (int position : {0, 1}) {
      const double to_first = position == 0 ? 1 : 0;
      EXPECT_THAT(GradientOf(op + " {}", tie, position), Each(to_first));
      EXPECT_THAT(ForwardModeOf(op + " {}", tie, position).gradient, Each(to_first));
      const std::string split = op + " { split_ties: true }";
      EXPECT_THAT(GradientOf(split, tie, position), Each(0.5));
      EXPECT_THAT(ForwardModeOf(split, tie, position).gradient, Each(0.5));
    }
  }
}

// Functions

TEST(PowerTest, KnownValues) {
  const Operands x = {Vector({0.25, 1, 2})};
  EXPECT_THAT(ValuesOf("power { exponent: 2.5 }", x),
              Pointwise(DoubleEq(), Numbers{0.03125, 1, 5.656854249492381}));
  EXPECT_THAT(GradientOf("power { exponent: 2.5 }", x),
              Pointwise(DoubleEq(), Numbers{0.3125, 2.5, 7.0710678118654755}));
  EXPECT_THAT(ValuesOf("power { exponent: 3 }", {Vector({-2, 3})}), ElementsAre(-8, 27));
  EXPECT_THAT(GradientOf("power { exponent: 3 }", {Vector({-2, 3})}), ElementsAre(12, 27));
  EXPECT_THAT(ValuesOf("power { exponent: -1 }", {Vector({-2, 4})}), ElementsAre(-0.5, 0.25));
  EXPECT_THAT(GradientOf("power { exponent: -1 }", {Vector({-2, 4})}), ElementsAre(-0.25, -0.0625));
}

TEST(PowerTest, OfANegativeNumberIsNanUnlessTheExponentIsWhole) {
  EXPECT_THAT(ValuesOf("power { exponent: 1.5 }", {Vector({-2})}), ElementsAre(IsNan()));
  EXPECT_THAT(GradientOf("power { exponent: 1.5 }", {Vector({-2})}), ElementsAre(IsNan()));
}

TEST(PowerTest, AtZero) {
  const struct {
    std::string exponent;
    double value;
    double gradient;
  } kCases[] = {{"0", 1, 0}, {"1", 0, 1}, {"2", 0, 0}, {"1.5", 0, 0}, {"0.5", 0, kInfinity}};
  for (const auto& c : kCases) {
    const std::string op = "power { exponent: " + c.exponent + " }";
    EXPECT_THAT(ValuesOf(op, {Vector({0})}), ElementsAre(c.value)) << op;
    EXPECT_THAT(GradientOf(op, {Vector({0})}), ElementsAre(c.gradient)) << op;
    EXPECT_THAT(ForwardModeOf(op, {Vector({0})}).gradient, ElementsAre(c.gradient)) << op;
  }
}

TEST(ExpTest, KnownValuesAndBothTails) {
  const Operands x = {Vector({-1, 0, 2, -800, 800})};
  const Numbers expected = {0.36787944117144233, 1, 7.38905609893065, 0, kInfinity};
  EXPECT_THAT(ValuesOf("exp {}", x), Pointwise(DoubleEq(), expected));
  EXPECT_THAT(GradientOf("exp {}", x), Pointwise(DoubleEq(), expected));
}

TEST(LogTest, KnownValuesAndTheEdgeOfItsDomain) {
  EXPECT_THAT(ValuesOf("log {}", {Vector({0.1, 1, 3})}),
              Pointwise(DoubleEq(), Numbers{-2.3025850929940455, 0, 1.0986122886681098}));
  EXPECT_THAT(GradientOf("log {}", {Vector({0.1, 1, 4})}), ElementsAre(10, 1, 0.25));
  EXPECT_THAT(ValuesOf("log {}", {Vector({-1, 0, kInfinity})}),
              ElementsAre(IsNan(), -kInfinity, kInfinity));
}

TEST(LogTest, TheGradientOfATinyNumberIsFinite) {
  EXPECT_NEAR(GradientOf("log {}", {Vector({1e-310})}, 0, {1e-5})[0] / 1e305, 1, 1e-12);
}

TEST(SqrtTest, KnownValuesAndTheEdgeOfItsDomain) {
  EXPECT_THAT(ValuesOf("sqrt {}", {Vector({0.25, 4, 1e300})}), ElementsAre(0.5, 2, 1e150));
  EXPECT_THAT(GradientOf("sqrt {}", {Vector({0.25, 4})}), ElementsAre(1, 0.25));
  EXPECT_THAT(ValuesOf("sqrt {}", {Vector({-1, 0})}), ElementsAre(IsNan(), 0));
  EXPECT_THAT(GradientOf("sqrt {}", {Vector({-1, 0})}), ElementsAre(IsNan(), kInfinity));
  EXPECT_THAT(ForwardModeOf("sqrt {}", {Vector({0})}).gradient, ElementsAre(kInfinity));
}

TEST(AbsTest, HasDerivativeZeroAtTheKink) {
  const Operands x = {Vector({-3, -0.0, 0, 2, kInfinity})};
  EXPECT_THAT(ValuesOf("abs {}", x), ElementsAre(3, 0, 0, 2, kInfinity));
  EXPECT_THAT(GradientOf("abs {}", x), ElementsAre(-1, 0, 0, 1, 1));
  EXPECT_THAT(ForwardModeOf("abs {}", x).gradient, ElementsAre(-1, 0, 0, 1, 1));
  EXPECT_THAT(ForwardModeOf("abs {}", x).at_kink, ElementsAre(false, true, true, false, false));
}

TEST(NegateTest, ChangesTheSign) {
  EXPECT_THAT(ValuesOf("negate {}", {Vector({1, -2, 0})}), ElementsAre(-1, 2, 0));
  EXPECT_THAT(GradientOf("negate {}", {Vector({1, -2})}, 0, {3, 5}), ElementsAre(-3, -5));
}

TEST(AddScalarTest, DefaultsToZero) {
  EXPECT_THAT(ValuesOf("add_scalar { value: -2 }", {Vector({1, 2})}), ElementsAre(-1, 0));
  EXPECT_THAT(ValuesOf("add_scalar {}", {Vector({1, 2})}), ElementsAre(1, 2));
  EXPECT_THAT(GradientOf("add_scalar { value: -2 }", {Vector({1, 2})}, 0, {3, 5}),
              ElementsAre(3, 5));
}

TEST(ClipTest, HasDerivativeZeroAtAndBeyondTheBounds) {
  const Operands x = {Vector({-kInfinity, -3, -1, 0, 2, 3, kInfinity})};
  const struct {
    std::string op;
    Numbers values;
    Numbers gradient;
  } kCases[] = {
      {"clip { min: -1 max: 2 }", {-1, -1, -1, 0, 2, 2, 2}, {0, 0, 0, 1, 0, 0, 0}},
      {"clip { min: -1 }", {-1, -1, -1, 0, 2, 3, kInfinity}, {0, 0, 0, 1, 1, 1, 1}},
      {"clip { max: 2 }", {-kInfinity, -3, -1, 0, 2, 2, 2}, {1, 1, 1, 1, 0, 0, 0}},
      {"clip { min: 0 max: 2 }", {0, 0, 0, 0, 2, 2, 2}, {0, 0, 0, 0, 0, 0, 0}},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ValuesOf(c.op, x), c.values) << c.op;
    EXPECT_EQ(GradientOf(c.op, x), c.gradient) << c.op;
    EXPECT_EQ(ForwardModeOf(c.op, x).gradient, c.gradient) << c.op;
  }
  EXPECT_THAT(ForwardModeOf("clip { min: -1 max: 2 }", {Vector({-1, 0, 2})}).at_kink,
              ElementsAre(true, false, true));
  EXPECT_THAT(ValuesOf("clip { min: -1 max: 2 }", {Vector({kNan})}), ElementsAre(IsNan()));
}

// Activations

TEST(LeakyReluTest, HasTheNegativeSlopeAtTheKink) {
  const Operands z = {Vector({-2, 0, 3, kInfinity, -kLargest})};
  EXPECT_THAT(ValuesOf("leaky_relu { negative_slope: 0.125 }", z),
              ElementsAre(-0.25, 0, 3, kInfinity, -kLargest / 8));
  EXPECT_THAT(GradientOf("leaky_relu { negative_slope: 0.125 }", z),
              ElementsAre(0.125, 0.125, 1, 1, 0.125));
  EXPECT_THAT(ForwardModeOf("leaky_relu { negative_slope: 0.125 }", z).gradient,
              ElementsAre(0.125, 0.125, 1, 1, 0.125));
  EXPECT_THAT(ForwardModeOf("leaky_relu {}", {Vector({-2, 0, 3})}).at_kink,
              ElementsAre(false, true, false));
  EXPECT_THAT(ValuesOf("leaky_relu {}", {Vector({-2, kNan})}), ElementsAre(-0.02, IsNan()));
}

TEST(LeakyReluTest, AnIntervalAroundTheKinkStaysNarrow) {
  const Interval range = OutputRange("leaky_relu { negative_slope: 0.125 }", -2, 3);
  EXPECT_NEAR(range.lo(), -0.25, 1e-12);
  EXPECT_NEAR(range.hi(), 3, 1e-12);
}

TEST(EluTest, KnownValues) {
  const Operands z = {Vector({-2, 0, -0.001, 3})};
  EXPECT_THAT(ValuesOf("elu { alpha: 0.5 }", z),
              Pointwise(DoubleEq(), Numbers{-0.43233235838169365, 0, -0.0004997500833125042, 3}));
  EXPECT_THAT(GradientOf("elu { alpha: 0.5 }", z),
              Pointwise(DoubleEq(), Numbers{0.06766764161830635, 0.5, 0.4995002499166875, 1}));
  EXPECT_THAT(ValuesOf("elu {}", z),
              Pointwise(DoubleEq(), Numbers{-0.8646647167633873, 0, -0.0009995001666250085, 3}));
  EXPECT_THAT(GradientOf("elu {}", z),
              Pointwise(DoubleEq(), Numbers{0.1353352832366127, 1, 0.999000499833375, 1}));
}

TEST(EluTest, HasAKinkOnlyWhereAlphaIsNotOne) {
  const ForwardMode bent = ForwardModeOf("elu { alpha: 0.5 }", {Vector({-1e-300, 0, 1e-300})});
  EXPECT_THAT(bent.gradient, ElementsAre(0.5, 0.5, 1));
  EXPECT_THAT(bent.at_kink, ElementsAre(false, true, false));
  const ForwardMode smooth = ForwardModeOf("elu {}", {Vector({0})});
  EXPECT_THAT(smooth.gradient, ElementsAre(1));
  EXPECT_THAT(smooth.at_kink, ElementsAre(false));
}

TEST(ExponentialLinearTest, AnIntervalAroundTheKinkStaysNarrow) {
  const Interval elu = OutputRange("elu {}", -1, 2);
  EXPECT_NEAR(elu.lo(), std::expm1(-1.0), 1e-12);
  EXPECT_NEAR(elu.hi(), 2, 1e-12);
  const Interval selu = OutputRange("selu {}", -1, 2);
  EXPECT_NEAR(selu.lo(), 1.0507009873554805 * 1.6732632423543772 * std::expm1(-1.0), 1e-12);
  EXPECT_NEAR(selu.hi(), 2 * 1.0507009873554805, 1e-12);
}

TEST(ReluTest, AnIntervalAroundTheKinkStaysNarrow) {
  const Interval relu = OutputRange("relu { slope_at_kink: 0.5 }", -1, 2);
  EXPECT_EQ(relu.lo(), 0);
  EXPECT_NEAR(relu.hi(), 2, 1e-12);
}

TEST(SoftplusTest, IsRightInBothTails) {
  const Operands z = {Vector({-kLargest, -720, 800, kLargest})};
  const Numbers exact = {0, std::exp(-720.0), 1, 1};
  EXPECT_THAT(ValuesOf("softplus {}", z),
              Pointwise(DoubleEq(), Numbers{0, std::exp(-720.0), 800, kLargest}));
  EXPECT_THAT(GradientOf("softplus {}", z), Pointwise(DoubleEq(), exact));
  EXPECT_THAT(ForwardModeOf("softplus {}", z).gradient, Pointwise(DoubleEq(), exact));
  EXPECT_THAT(ValuesOf("softplus { beta: 1e10 }", {Vector({1e300, -1e300})}),
              ElementsAre(1e300, 0));
}

TEST(EluTest, IsRightInBothTailsAndNearZero) {
  EXPECT_THAT(ValuesOf("elu {}", {Vector({-kInfinity, -kLargest, kLargest, kInfinity, -1e-20})}),
              ElementsAre(-1, -1, kLargest, kInfinity, -1e-20));
  EXPECT_THAT(GradientOf("elu {}", {Vector({-kLargest, kLargest})}), ElementsAre(0, 1));
  EXPECT_THAT(GradientOf("elu { alpha: 0 }", {Vector({-800, 800})}), ElementsAre(0, 1));
}

TEST(SeluTest, KnownValuesAndTheKink) {
  const Operands z = {Vector({-2, 0, 1, -50})};
  const Numbers slopes = {0.2379328722516818, 1.7580993408473766, 1.0507009873554805,
                          3.3909338363648417e-22};
  EXPECT_THAT(ValuesOf("selu {}", z),
              Pointwise(DoubleEq(),
                        Numbers{-1.5201664685956948, 0, 1.0507009873554805, -1.7580993408473766}));
  EXPECT_THAT(GradientOf("selu {}", z), Pointwise(DoubleEq(), slopes));
  EXPECT_THAT(ForwardModeOf("selu {}", z).gradient, Pointwise(DoubleEq(), slopes));
  EXPECT_THAT(ForwardModeOf("selu {}", z).at_kink, ElementsAre(false, true, false, false));
  EXPECT_THAT(ValuesOf("selu {}", {Vector({-kLargest})}),
              ElementsAre(DoubleEq(-1.7580993408473766)));
}

// Within some units in the last place of the numbers that it was made of.
void ExpectNear(const Numbers& numbers, const Numbers& expected) {
  ASSERT_EQ(numbers.size(), expected.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_NEAR(numbers[i], expected[i], 1e-15) << i;
  }
}

constexpr char kGelu[] = "gelu {}";
constexpr char kGeluTanh[] = "gelu { tanh_approximation: true }";

TEST(GeluTest, KnownValues) {
  const Operands z = {Vector({-2, -0.5, 0, 0.7, 3})};
  ExpectNear(ValuesOf(kGelu, z),
             {-0.04550026389635842, -0.15426876936299344, 0, 0.5306254434438489, 2.99595030590511});
  ExpectNear(GradientOf(kGelu, z), {-0.08523180107819692, 0.13250487534383712, 0.5,
                                    0.9766141011336599, 1.011945647204184});
  ExpectNear(ValuesOf(kGeluTanh, z), {-0.04540230591222494, -0.15428599017485606, 0,
                                      0.5305701347051167, 2.996362607918227});
  ExpectNear(GradientOf(kGeluTanh, z), {-0.0860992566236183, 0.13263009646535764, 0.5,
                                        0.976357218656104, 1.0115841666309695});
}

// From 1 + erf and 1 + tanh none of these digits would be right.
TEST(GeluTest, KeepsItsDigitsFarBelowZero) {
  const auto expect_relative = [](const Numbers& numbers, const Numbers& expected) {
    ASSERT_EQ(numbers.size(), expected.size());
    for (size_t i = 0; i < numbers.size(); ++i) EXPECT_NEAR(numbers[i] / expected[i], 1, 1e-12);
  };
  const Operands z = {Vector({-5, -10, -20, -37})};
  expect_relative(ValuesOf(kGelu, z), {-1.4332578593959695e-06, -7.6198530241605263e-23,
                                       -5.5072482372124676e-88, -2.1184613523340935e-298});
  const Numbers slopes = {-7.1469460017922947e-06, -7.6184000964648144e-22, -1.1014360483133464e-86,
                          -7.8382986694185161e-297};
  expect_relative(GradientOf(kGelu, z), slopes);
  expect_relative(ForwardModeOf(kGelu, z).gradient, slopes);
  EXPECT_TRUE(OutputRange(kGelu, -10, -10).Contains(-7.6198530241605263e-23));
  const Operands near = {Vector({-5, -10, -20})};
  expect_relative(ValuesOf(kGeluTanh, near),
                  {-2.291796196629506e-07, -1.2040923482098061e-37, -3.3754509563109673e-261});
  const Numbers slopes_of_tanh = {-1.5463619875325946e-06, -2.7576380638540315e-36,
                                  -2.9424328724945027e-259};
  expect_relative(GradientOf(kGeluTanh, near), slopes_of_tanh);
  expect_relative(ForwardModeOf(kGeluTanh, near).gradient, slopes_of_tanh);
}

TEST(GeluTest, IsRightInBothTails) {
  for (const std::string op : {kGelu, kGeluTanh}) {
    EXPECT_THAT(ValuesOf(op, {Vector({-kLargest, -800, 800, kLargest})}),
                ElementsAre(0, 0, 800, kLargest))
        << op;
    EXPECT_THAT(GradientOf(op, {Vector({-kLargest, -800, 800, kLargest})}), ElementsAre(0, 0, 1, 1))
        << op;
    EXPECT_THAT(ForwardModeOf(op, {Vector({-kLargest, -800, 800, kLargest})}).gradient,
                ElementsAre(0, 0, 1, 1))
        << op;
  }
}

TEST(SiluTest, KnownValues) {
  const Operands z = {Vector({-2, -0.5, 0, 0.7, 3})};
  ExpectNear(ValuesOf("silu {}", z), {-0.2384058440442351, -0.1887703343990727, 0,
                                      0.46773144051771626, 2.8577223804672998});
  ExpectNear(GradientOf("silu {}", z), {-0.09078424878489547, 0.2600388126973482, 0.5,
                                        0.8233867834733425, 1.0881041060151693});
}

TEST(SiluTest, KeepsItsDigitsFarBelowZero) {
  const Operands z = {Vector({-5, -10, -20, -37})};
  EXPECT_THAT(ValuesOf("silu {}", z),
              Pointwise(DoubleEq(), Numbers{-0.033464254621424279, -0.00045397868702434395,
                                            -4.1223072363804073e-08, -3.1572276215253042e-15}));
  EXPECT_THAT(GradientOf("silu {}", z),
              Pointwise(DoubleEq(), Numbers{-0.02654743242966592, -0.00040856020865708231,
                                            -3.9161918660646786e-08, -3.071897145267863e-15}));
}

TEST(SiluTest, IsRightInBothTails) {
  const Operands z = {Vector({-kLargest, -800, 800, kLargest})};
  EXPECT_THAT(ValuesOf("silu {}", z), ElementsAre(0, 0, 800, kLargest));
  EXPECT_THAT(GradientOf("silu {}", z), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(ForwardModeOf("silu {}", z).gradient, ElementsAre(0, 0, 1, 1));
}

TEST(HardtanhTest, HasSlopeZeroAtTheKinks) {
  const Operands z = {Vector({-kInfinity, -1, 0.5, 1, 3})};
  EXPECT_THAT(ValuesOf("hardtanh {}", z), ElementsAre(-1, -1, 0.5, 1, 1));
  EXPECT_THAT(GradientOf("hardtanh {}", z), ElementsAre(0, 0, 1, 0, 0));
  EXPECT_THAT(ForwardModeOf("hardtanh {}", z).gradient, ElementsAre(0, 0, 1, 0, 0));
  EXPECT_THAT(ForwardModeOf("hardtanh {}", z).at_kink,
              ElementsAre(false, true, false, true, false));
  EXPECT_THAT(ValuesOf("hardtanh { min: 0 max: 2 }", z), ElementsAre(0, 0, 0.5, 1, 2));
  EXPECT_THAT(GradientOf("hardtanh { min: 0 max: 2 }", z), ElementsAre(0, 0, 1, 1, 0));
}

TEST(HardSigmoidTest, KnownValuesAndTheKinks) {
  const Operands z = {Vector({-kLargest, -3, -1.5, 0, 3, kLargest})};
  const Numbers slopes = {0, 0, 1.0 / 6, 1.0 / 6, 0, 0};
  EXPECT_THAT(ValuesOf("hard_sigmoid {}", z), ElementsAre(0, 0, 0.25, 0.5, 1, 1));
  EXPECT_EQ(GradientOf("hard_sigmoid {}", z), slopes);
  EXPECT_EQ(ForwardModeOf("hard_sigmoid {}", z).gradient, slopes);
  EXPECT_THAT(ForwardModeOf("hard_sigmoid {}", z).at_kink,
              ElementsAre(false, true, false, false, true, false));
  EXPECT_THAT(ValuesOf("hard_sigmoid { slope: 0.25 }", z), ElementsAre(0, 0, 0.125, 0.5, 1, 1));
  EXPECT_THAT(GradientOf("hard_sigmoid { slope: 0.25 }", z), ElementsAre(0, 0, 0.25, 0.25, 0, 0));
}

TEST(PreluTest, HasOneSlopePerChannel) {
  // Two examples of two channels, two places each.
  const Tensor<double> z(Shape{2, 2, 2}, {-1, 2, -3, -4, -5, 6, 7, -8});
  const Operands operands = {z, Vector({0.5, 0.25})};
  EXPECT_THAT(ValuesOf("prelu {}", operands), ElementsAre(-0.5, 2, -0.75, -1, -2.5, 6, 7, -2));
  EXPECT_THAT(GradientOf("prelu {}", operands, 0),
              ElementsAre(0.5, 1, 0.25, 0.25, 0.5, 1, 1, 0.25));
  EXPECT_THAT(GradientOf("prelu {}", operands, 1, {1, 1, 1, 1, 10, 10, 10, 10}),
              ElementsAre(-51, -87));
}

TEST(PreluTest, HasOneSlopeForAll) {
  const Operands operands = {Matrix(2, {-1, 2, -3, -4}), Vector({0.5})};
  EXPECT_THAT(ValuesOf("prelu {}", operands), ElementsAre(-0.5, 2, -1.5, -2));
  EXPECT_THAT(GradientOf("prelu {}", operands, 1, {1, 10, 100, 1000}), ElementsAre(-4301));
}

TEST(PreluTest, TheFeaturesOfAVectorAreItsChannels) {
  const Operands operands = {Vector({-1, -2}), Vector({0.5, 3})};
  EXPECT_THAT(ValuesOf("prelu {}", operands), ElementsAre(-0.5, -6));
  EXPECT_THAT(GradientOf("prelu {}", operands, 1), ElementsAre(-1, -2));
}

TEST(PreluTest, HasTheLearnedSlopeAtTheKink) {
  const Operands operands = {Vector({0}), Vector({0.25})};
  EXPECT_THAT(GradientOf("prelu {}", operands, 0), ElementsAre(0.25));
  EXPECT_THAT(ForwardModeOf("prelu {}", operands, 0).gradient, ElementsAre(0.25));
  EXPECT_THAT(ForwardModeOf("prelu {}", operands, 0).at_kink, ElementsAre(true));
  EXPECT_THAT(GradientOf("prelu {}", operands, 1), ElementsAre(0));
  EXPECT_THAT(ForwardModeOf("prelu {}", operands, 1).gradient, ElementsAre(0));
}

TEST(MaxoutTest, GroupsNeighbours) {
  const Operands z = {Matrix(2, {1, 5, 3, 2, -1, -2, -4, -3, -5, 0, 8, 9})};
  EXPECT_THAT(ValuesOf("maxout { piece_count: 3 }", z), ElementsAre(5, 2, -3, 9));
  EXPECT_THAT(GradientOf("maxout { piece_count: 3 }", z, 0, {1, 2, 3, 4}),
              ElementsAre(0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4));
  EXPECT_THAT(ValuesOf("maxout { piece_count: 2 }", z), ElementsAre(5, 3, -1, -3, 0, 9));
}

TEST(MaxoutTest, AtATieTheFirstTakesAll) {
  const Operands z = {Vector({1, 7, 7, 7, 0, 0})};
  EXPECT_THAT(ValuesOf("maxout { piece_count: 6 }", z), ElementsAre(7));
  EXPECT_THAT(GradientOf("maxout { piece_count: 6 }", z, 0, {3}), ElementsAre(0, 3, 0, 0, 0, 0));
  const ForwardMode forward_mode = ForwardModeOf("maxout { piece_count: 6 }", z);
  EXPECT_THAT(forward_mode.gradient, ElementsAre(0, 1, 0, 0, 0, 0));
  EXPECT_THAT(forward_mode.at_kink, ElementsAre(false, true, true, true, false, false));
}

TEST(MaxoutTest, HandsOnNanAndInfinity) {
  EXPECT_THAT(ValuesOf("maxout { piece_count: 2 }", {Vector({kNan, 1, 1, kNan, -kInfinity, 1})}),
              ElementsAre(IsNan(), IsNan(), 1));
}

TEST(MaxoutTest, InfinitiesTieToo) {
  // What exp makes of 800 and 900, and three numbers that are none.
  const Operands z = {Matrix(2, {1, kInfinity, kInfinity, -kInfinity, -kInfinity, -kInfinity})};
  const Numbers gradient = {0, 1, 0, 1, 0, 0};
  EXPECT_EQ(GradientOf("maxout { piece_count: 3 }", z), gradient);
  EXPECT_EQ(ForwardModeOf("maxout { piece_count: 3 }", z).gradient, gradient);
}

// Whichever of two numbers is the largest, the gradient is one of theirs.
TEST(MaxoutTest, TheGradientOfIntervalsThatOverlapContainsEitherChoice) {
  const v1::Node node = FromText<v1::Node>("maxout { piece_count: 3 }");
  const std::vector<Tensor<Interval>> z = {
      Tensor<Interval>({3}, {Interval(0, 2), Interval(1, 3), Interval(-2, -1)})};
  const Tensor<Interval> output = Forward(node, z);
  EXPECT_EQ(output[0].lo(), 1);
  EXPECT_EQ(output[0].hi(), 3);
  const Tensor<Interval> upstream({1}, {Interval(5)});
  const Tensor<Interval> gradient = InputGradient(node, z, output, upstream, 0);
  for (int64_t i : {0, 1}) {
    EXPECT_TRUE(gradient[i].Contains(0)) << i;
    EXPECT_TRUE(gradient[i].Contains(5)) << i;
  }
  EXPECT_EQ(gradient[2].lo(), 0);
  EXPECT_EQ(gradient[2].hi(), 0);
}

// Attributes and operands that do not fit

TEST(ElementwiseErrorTest, ShapesDoNotBroadcast) {
  for (const char* op : {"divide {}", "maximum {}", "minimum {}"}) {
    ExpectError(op, {{2, 3}, {2}}, Reason::kShapeMismatch,
                "shapes [2, 3] and [2] do not broadcast");
  }
}

TEST(ElementwiseErrorTest, AttributeIsNotFinite) {
  const struct {
    std::string op;
    std::string attribute;
  } kAttributes[] = {{"power", "exponent"},
                     {"add_scalar", "value"},
                     {"clip", "min"},
                     {"clip", "max"},
                     {"leaky_relu", "negative_slope"},
                     {"elu", "alpha"},
                     {"hardtanh", "min"},
                     {"hardtanh", "max"}};
  for (const auto& [op, attribute] : kAttributes) {
    for (const char* value : {"nan", "inf", "-inf"}) {
      ExpectError(fmt::format("{} {{ {}: {} }}", op, attribute, value), {{2}},
                  Reason::kInvalidValue,
                  fmt::format("{}.{}: {} is not finite", op, attribute, value));
    }
  }
}

TEST(ElementwiseErrorTest, BoundsAreMissingOrInTheWrongOrder) {
  ExpectError("clip {}", {{2}}, Reason::kMissingField, "clip: no bound; set min, max or both");
  for (const std::string op : {"clip", "hardtanh"}) {
    ExpectError(op + " { min: 2 max: 1.5 }", {{2}}, Reason::kInvalidValue,
                op + ".min: 2 is not less than max, 1.5");
    ExpectError(op + " { min: 1 max: 1 }", {{2}}, Reason::kInvalidValue,
                op + ".min: 1 is not less than max, 1");
  }
  ExpectError("hardtanh { max: -3 }", {{2}}, Reason::kInvalidValue,
              "hardtanh.min: -1 is not less than max, -3");
}

TEST(ElementwiseErrorTest, TheSlopeOfHardSigmoidIsNotPositive) {
  for (const std::string value : {"0", "-1", "inf", "nan"}) {
    ExpectError("hard_sigmoid { slope: " + value + " }", {{2}}, Reason::kInvalidValue,
                "hard_sigmoid.slope: " + value + " is not a finite number above 0");
  }
}

TEST(PreluErrorTest, SlopesFitNoChannel) {
  ExpectError("prelu {}", {{}, {1}}, Reason::kShapeMismatch,
              "input is a scalar, it has no channels");
  for (const Shape& slopes : {Shape{2}, Shape{4}, Shape{}, Shape{1, 3}}) {
    ExpectError("prelu {}", {{2, 3, 4}, slopes}, Reason::kShapeMismatch,
                "negative_slope has shape " + slopes.ToString() +
                    ", expected [3], one per channel of the input (shape [2, 3, 4]), or [1], "
                    "shared by all");
  }
}

TEST(MaxoutErrorTest, GroupsDoNotFit) {
  ExpectError("maxout { piece_count: 1 }", {{}}, Reason::kShapeMismatch,
              "input is a scalar, it has no features");
  ExpectError("maxout {}", {{2, 6}}, Reason::kInvalidValue, "maxout.piece_count: 0 is less than 1");
  ExpectError("maxout { piece_count: -9223372036854775808 }", {{2, 6}}, Reason::kInvalidValue,
              "maxout.piece_count: -9223372036854775808 is less than 1");
  for (const std::string count : {"4", "12", "9223372036854775807"}) {
    ExpectError("maxout { piece_count: " + count + " }", {{2, 6}}, Reason::kShapeMismatch,
                "maxout.piece_count: " + count +
                    " does not divide 6, the features of the input (shape [2, 6])");
  }
}

}  // namespace
}  // namespace gradus::testing
