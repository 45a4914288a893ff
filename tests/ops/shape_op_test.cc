// Reductions that are no sums, and ops that move numbers: known numbers, ties, the ends of the
// number line, and the errors of attributes and operands.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/ops/check_op.h"

namespace gradus::testing {
namespace {

using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsNan;
using ::testing::Pointwise;

struct Hull {
  double lo;
  double hi;
};

std::vector<Interval> IntervalGradientOf(const std::string& op, const std::vector<Hull>& hulls) {
  const v1::Node node = FromText<v1::Node>(op);
  std::vector<Interval> x;
  for (const Hull& hull : hulls) x.emplace_back(hull.lo, hull.hi);
  const Tensor<Interval> operand(Shape{static_cast<int64_t>(x.size())}, x);
  const Tensor<Interval> output = Forward<Interval>(node, {operand});
  const Tensor<Interval> upstream(output.shape(),
                                  std::vector<Interval>(output.values().size(), Interval(1)));
  return InputGradient<Interval>(node, {operand}, output, upstream, 0).values();
}

// From lo to hi, but for the rounding of a product and a sum.
::testing::AssertionResult IsHull(const Interval& x, double lo, double hi) {
  constexpr double kRounding = 1e-15;
  if (x.lo() <= lo && x.lo() >= lo - kRounding && x.hi() >= hi && x.hi() <= hi + kRounding) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "[" << x.lo() << ", " << x.hi() << "]";
}

// Max

TEST(MaxTest, OverEachChoiceOfAxes) {
  const Operands x = {{Shape{2, 3}, {1, 5, 3, 4, 2, 6}}};
  EXPECT_THAT(ValuesOf("max {}", x), ElementsAre(6));
  EXPECT_THAT(ValuesOf("max { axes: 0 }", x), ElementsAre(4, 5, 6));
  EXPECT_THAT(ValuesOf("max { axes: -1 }", x), ElementsAre(5, 6));
  EXPECT_THAT(GradientOf("max {}", x, 0, Counting), ElementsAre(0, 0, 0, 0, 0, 1));
  EXPECT_THAT(GradientOf("max { axes: 0 }", x, 0, Counting), ElementsAre(0, 2, 0, 1, 0, 3));
  EXPECT_THAT(GradientOf("max { axes: 1 }", x, 0, Counting), ElementsAre(0, 1, 0, 0, 0, 2));
}

// The first in row-major order, also where the group is in pieces.
TEST(MaxTest, AtATieTheFirstTakesAll) {
  const Operands x = {{Shape{2, 2, 2}, {1, 7, 0, 7, 7, 2, 7, 7}}};
  EXPECT_THAT(GradientOf("max {}", x, 0, Counting), ElementsAre(0, 1, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(GradientOf("max { axes: [ 0, 2 ] }", x, 0, Counting),
              ElementsAre(0, 1, 0, 2, 0, 0, 0, 0));
  for (const char* op : {"max {}", "max { axes: 1 }", "max { axes: [ 0, 2 ] }"}) {
    EXPECT_EQ(GradientOf(op, x, 0, Counting), ForwardModeOf(op, x, 0, Counting).gradient) << op;
  }
}

TEST(MaxTest, InfinitiesTieTooAndNanIsTheLargest) {
  EXPECT_THAT(ValuesOf("max {}", {Vector({-kInfinity, -kInfinity})}), ElementsAre(-kInfinity));
  EXPECT_THAT(GradientOf("max {}", {Vector({-kInfinity, -kInfinity})}, 0, Counting),
              ElementsAre(1, 0));
  EXPECT_THAT(GradientOf("max {}", {Vector({1, kInfinity, kInfinity})}, 0, Counting),
              ElementsAre(0, 1, 0));
  EXPECT_THAT(ValuesOf("max {}", {Vector({1, std::nan(""), 2})}), ElementsAre(IsNan()));
}

// Any but the third may be the largest.
TEST(MaxTest, IntervalsThatOverlapShareTheGradient) {
  const auto gradient = IntervalGradientOf("max {}", {{1, 3}, {2, 4}, {0, 0.5}, {2, 2.5}});
  EXPECT_TRUE(IsHull(gradient[0], 0, 1));
  EXPECT_TRUE(IsHull(gradient[1], 0, 1));
  EXPECT_TRUE(IsHull(gradient[2], 0, 0));
  EXPECT_TRUE(IsHull(gradient[3], 0, 1));
}

TEST(MaxTest, AnIntervalThatIsSurelyTheLargestTakesAll) {
  const auto gradient = IntervalGradientOf("max {}", {{1, 3}, {2, 4}, {5, 6}});
  EXPECT_TRUE(IsHull(gradient[0], 0, 0));
  EXPECT_TRUE(IsHull(gradient[1], 0, 0));
  EXPECT_TRUE(IsHull(gradient[2], 1, 1));
}

// LogSumExp

TEST(LogSumExpTest, KnownValues) {
  EXPECT_THAT(ValuesOf("log_sum_exp {}", {Vector({1, 2, 3})}),
              ElementsAre(DoubleEq(3.4076059644443803)));
  const Tensor<double> x(Shape{2, 2}, {0, 7, 0, 7});
  EXPECT_THAT(ValuesOf("log_sum_exp { axes: 0 }", {x}),
              Pointwise(DoubleEq(), Numbers{kLog2, 7 + kLog2}));
  EXPECT_THAT(ValuesOf("log_sum_exp {}", {Scalar(-3)}), ElementsAre(-3));
  EXPECT_THAT(GradientOf("log_sum_exp {}", {Vector({1, 2, 3})}, 0, Counting),
              Pointwise(DoubleEq(),
                        Numbers{0.090030573170380462, 0.24472847105479764, 0.66524095577482178}));
}

TEST(LogSumExpTest, HugeNumbersNeitherOverflowNorVanish) {
  EXPECT_THAT(ValuesOf("log_sum_exp {}", {Vector({1e308, -1e308})}), ElementsAre(1e308));
  EXPECT_THAT(GradientOf("log_sum_exp {}", {Vector({1e308, -1e308})}, 0, Counting),
              ElementsAre(1, 0));
  EXPECT_THAT(ValuesOf("log_sum_exp {}", {Vector({-1000, -1000})}),
              ElementsAre(DoubleEq(-1000 + kLog2)));
  EXPECT_THAT(ValuesOf("log_sum_exp {}", {Vector({-kInfinity, -kInfinity})}),
              ElementsAre(-kInfinity));
  EXPECT_THAT(ValuesOf("log_sum_exp {}", {Vector({-kInfinity, 2})}), ElementsAre(2));
  EXPECT_THAT(ValuesOf("log_sum_exp {}", {Vector({kInfinity, 2})}), ElementsAre(kInfinity));
}

// log(1 + exp(-40)) is 0 if the sum is rounded first.
TEST(LogSumExpTest, KeepsTheDigitsOfASumNearOne) {
  EXPECT_THAT(ValuesOf("log_sum_exp {}", {Vector({0, -40})}),
              ElementsAre(DoubleEq(4.248354255291589e-18)));
}

TEST(LogSumExpTest, TheBackwardPassReadsTheOutput) {
  const Tensor<double> pinned = Scalar(0);
  EXPECT_THAT(InputGradient<double>(FromText<v1::Node>("log_sum_exp {}"), {Vector({0, 7})}, pinned,
                                    Scalar(1), 0)
                  .values(),
              Pointwise(DoubleEq(), Numbers{1, std::exp(7.0)}));
}

// Variance

TEST(VarianceTest, KnownValues) {
  const Operands x = {{Shape{2, 2}, {1, 3, 5, 11}}};
  EXPECT_THAT(ValuesOf("variance {}", x), ElementsAre(14));
  EXPECT_THAT(ValuesOf("variance { axes: 0 }", x), ElementsAre(4, 16));
  EXPECT_THAT(ValuesOf("variance { axes: 0 unbiased: true }", x), ElementsAre(8, 32));
  EXPECT_THAT(GradientOf("variance { axes: 0 }", x, 0, {1, 10}), ElementsAre(-2, -40, 2, 40));
  EXPECT_THAT(GradientOf("variance { axes: 0 unbiased: true }", x, 0, {1, 10}),
              ElementsAre(-4, -80, 4, 80));
}

TEST(VarianceTest, OfOneNumberIsZero) {
  EXPECT_THAT(ValuesOf("variance {}", {Scalar(5)}), ElementsAre(0));
  EXPECT_THAT(GradientOf("variance {}", {Scalar(5)}, 0, Counting), ElementsAre(0));
}

// The mean of three times 0.1 is not 0.1.
TEST(VarianceTest, OfEqualNumbersIsExactlyZero) {
  for (const double x : {0.1, 1e300}) {
    EXPECT_THAT(ValuesOf("variance {}", {Vector({x, x, x})}), ElementsAre(0));
    EXPECT_THAT(GradientOf("variance {}", {Vector({x, x, x})}, 0, Counting), Each(0));
  }
}

// x^2 has 17 digits before the first that counts, and the mean itself needs one more than fits.
TEST(VarianceTest, LargeNumbersKeepTheDigitsInWhichTheyDiffer) {
  const double base = std::ldexp(1, 52);
  EXPECT_THAT(ValuesOf("variance {}", {Vector({base, base + 1})}), ElementsAre(0.25));
  EXPECT_THAT(GradientOf("variance {}", {Vector({base, base + 1})}, 0, Counting),
              ElementsAre(-0.5, 0.5));
}

TEST(VarianceShapeTest, OneNumberHasNoUnbiasedVariance) {
  ExpectError(
      "variance { axes: 1 unbiased: true }", {{3, 1}}, Reason::kInvalidValue,
      "variance.unbiased: needs 2 numbers or more, the axes of input (shape [3, 1]) have 1");
  ExpectError("variance { unbiased: true }", {{}}, Reason::kInvalidValue,
              "variance.unbiased: needs 2 numbers or more, the axes of input (shape []) have 1");
}

TEST(OverAxesShapeTest, AxesDoNotFit) {
  for (const std::string op : {"max", "log_sum_exp", "variance"}) {
    ExpectError(op + " { axes: [ 0, 2 ] }", {{2, 3}}, Reason::kInvalidValue,
                op + ".axes[1]: axis 2 is out of range, the operand has axes -2 to 1");
    ExpectError(op + " { axes: [ 1, -1 ] }", {{2, 3}}, Reason::kInvalidValue,
                op + ".axes[1]: axis 1 is listed twice");
  }
}

// Reshape and flatten

TEST(ReshapeTest, KeepsTheNumbersInOrder) {
  const Operands x = {Counting({2, 3})};
  EXPECT_THAT(ValuesOf("reshape { shape: [ 3, -1 ] }", x), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(GradientOf("reshape { shape: 6 }", x, 0, Counting), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(ValuesOf("flatten {}", x), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(ReshapeTest, CopiesToTheBit) {
  EXPECT_TRUE(std::signbit(ValuesOf("reshape { shape: 1 }", {Scalar(-0.0)})[0]));
}

TEST(ReshapeShapeTest, ElementsDoNotFit) {
  ExpectError("reshape { shape: [ 4, 2 ] }", {{2, 3}}, Reason::kShapeMismatch,
              "reshape.shape: input of shape [2, 3] has 6 elements, which do not fit [4, 2]");
  ExpectError("reshape { shape: 2 }", {{2, 3}}, Reason::kShapeMismatch,
              "reshape.shape: input of shape [2, 3] has 6 elements, which do not fit [2]");
  ExpectError("reshape { shape: [ 4, -1 ] }", {{2, 3}}, Reason::kShapeMismatch,
              "reshape.shape: input of shape [2, 3] has 6 elements, which do not fit [4, -1]");
  ExpectError("reshape { shape: [ 7, -1 ] }", {{2, 3}}, Reason::kShapeMismatch,
              "reshape.shape: input of shape [2, 3] has 6 elements, which do not fit [7, -1]");
  ExpectError("reshape {}", {{2, 3}}, Reason::kShapeMismatch,
              "reshape.shape: input of shape [2, 3] has 6 elements, which do not fit []");
  ExpectError("reshape { shape: 2 }", {{}}, Reason::kShapeMismatch,
              "reshape.shape: input of shape [] has 1 element, which does not fit [2]");
  // The product overflows to 0 and, with 6 behind, to what would fit.
  ExpectError("reshape { shape: [ 4294967296, 4294967296, 6 ] }", {{2, 3}}, Reason::kShapeMismatch,
              "reshape.shape: input of shape [2, 3] has 6 elements, which do not fit [4294967296, "
              "4294967296, 6]");
}

TEST(ReshapeShapeTest, LengthsAreWrongInThemselves) {
  ExpectError("reshape { shape: [ 6, 0 ] }", {{2, 3}}, Reason::kInvalidValue,
              "reshape.shape[1]: a length is at least 1, this one is 0");
  ExpectError("reshape { shape: -2 }", {{2, 3}}, Reason::kInvalidValue,
              "reshape.shape[0]: a length is at least 1, this one is -2");
  ExpectError("reshape { shape: [ -1, 2, -1 ] }", {{2, 3}}, Reason::kInvalidValue,
              "reshape.shape[2]: a second -1, only one length can follow from the others");
  ExpectError("reshape { shape: [ 1, 1, 1, 1, 1, 1, 1, 1, 6 ] }", {{2, 3}}, Reason::kLimitExceeded,
              "reshape.shape: a tensor has at most 8 axes, the output would have 9");
}

TEST(FlattenShapeTest, AxisIsOutOfRange) {
  ExpectError("flatten { start_axis: 2 }", {{2, 3}}, Reason::kInvalidValue,
              "flatten.start_axis: axis 2 is out of range, the operand has axes -2 to 1");
  // The default of 1 is excused there, but a 1 that was given is not.
  ExpectError("flatten { start_axis: 1 }", {{3}}, Reason::kInvalidValue,
              "flatten.start_axis: axis 1 is out of range, the operand has axes -1 to 0");
  ExpectError("flatten {}", {{}}, Reason::kInvalidValue,
              "flatten.start_axis: axis 1 does not exist, the operand is a scalar");
}

// Transpose

TEST(TransposeTest, PutsEachAxisWhereItBelongs) {
  const Operands matrix = {Counting({2, 3})};
  EXPECT_THAT(ValuesOf("transpose {}", matrix), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(GradientOf("transpose {}", matrix, 0, Counting), ElementsAre(1, 3, 5, 2, 4, 6));
  // numpy.transpose(numpy.arange(1, 13).reshape(2, 3, 2), (1, 2, 0))
  const Operands x = {Counting({2, 3, 2})};
  EXPECT_THAT(ValuesOf("transpose { perm: [ 1, 2, 0 ] }", x),
              ElementsAre(1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12));
  EXPECT_THAT(GradientOf("transpose { perm: [ 1, 2, 0 ] }", x, 0, Counting),
              ElementsAre(1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12));
}

TEST(TransposeShapeTest, IsNoPermutation) {
  ExpectError("transpose { perm: 0 }", {{2, 3}}, Reason::kInvalidValue,
              "transpose.perm: 1 listed for the axes of input (shape [2, 3])");
  ExpectError("transpose { perm: [ 0, 1, 2 ] }", {{2, 3}}, Reason::kInvalidValue,
              "transpose.perm: 3 listed for the axes of input (shape [2, 3])");
  ExpectError("transpose { perm: [ 0, 2 ] }", {{2, 3}}, Reason::kInvalidValue,
              "transpose.perm[1]: axis 2 is out of range, input has axes 0 to 1");
  ExpectError("transpose { perm: [ -1, 0 ] }", {{2, 3}}, Reason::kInvalidValue,
              "transpose.perm[0]: axis -1 is out of range, input has axes 0 to 1");
  ExpectError("transpose { perm: [ 1, 1 ] }", {{2, 3}}, Reason::kInvalidValue,
              "transpose.perm[1]: axis 1 is listed twice");
}

// Concat, stack and slice

TEST(ConcatTest, JoinsAndTakesApart) {
  const Operands operands = {Counting({2, 2}), {Shape{2, 1}, {10, 20}}};
  EXPECT_THAT(ValuesOf("concat { axis: 1 }", operands), ElementsAre(1, 2, 10, 3, 4, 20));
  EXPECT_THAT(GradientOf("concat { axis: 1 }", operands, 0, Counting), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(GradientOf("concat { axis: 1 }", operands, 1, Counting), ElementsAre(3, 6));
  EXPECT_THAT(ValuesOf("concat {}", {Vector({1, 2}), Vector({3})}), ElementsAre(1, 2, 3));
}

TEST(ConcatShapeTest, OperandsDoNotFit) {
  ExpectError("concat {}", {{2, 3}, {2, 3}, {1, 2}}, Reason::kShapeMismatch,
              "operand 2 has shape [1, 2], operand 0 has shape [2, 3], they may differ in axis 0 "
              "only");
  ExpectError(
      "concat { axis: -1 }", {{2, 3}, {2}}, Reason::kShapeMismatch,
      "operand 1 has shape [2], operand 0 has shape [2, 3], they may differ in axis 1 only");
  ExpectError("concat { axis: 2 }", {{2, 3}, {2, 3}}, Reason::kInvalidValue,
              "concat.axis: axis 2 is out of range, the operand has axes -2 to 1");
  ExpectError("concat {}", {{}, {}}, Reason::kInvalidValue,
              "concat.axis: axis 0 does not exist, the operand is a scalar");
}

TEST(StackTest, JoinsAlongANewAxis) {
  const Operands operands = {Vector({1, 2}), Vector({10, 20})};
  EXPECT_THAT(ValuesOf("stack {}", operands), ElementsAre(1, 2, 10, 20));
  EXPECT_THAT(ValuesOf("stack { axis: -1 }", operands), ElementsAre(1, 10, 2, 20));
  EXPECT_THAT(GradientOf("stack { axis: 1 }", operands, 1, Counting), ElementsAre(2, 4));
}

TEST(StackShapeTest, OperandsOrAxisDoNotFit) {
  ExpectError("stack {}", {{2, 3}, {2, 3}, {3, 2}}, Reason::kShapeMismatch,
              "operand 2 has shape [3, 2], operand 0 has shape [2, 3]");
  ExpectError("stack { axis: 2 }", {{2}}, Reason::kInvalidValue,
              "stack.axis: axis 2 is out of range, the output has axes -2 to 1");
  ExpectError("stack { axis: -3 }", {{2}}, Reason::kInvalidValue,
              "stack.axis: axis -3 is out of range, the output has axes -2 to 1");
  ExpectError("stack {}", {{1, 1, 1, 1, 1, 1, 1, 1}}, Reason::kLimitExceeded,
              "a tensor has at most 8 axes, the output would have 9");
}

TEST(SliceTest, WhatIsLeftOutHasGradientZero) {
  const Operands x = {Counting({2, 5})};
  EXPECT_THAT(ValuesOf("slice { axis: 1 start: 1 stop: 3 }", x), ElementsAre(2, 3, 7, 8));
  EXPECT_THAT(GradientOf("slice { axis: 1 start: 1 stop: 3 }", x, 0, Counting),
              ElementsAre(0, 1, 2, 0, 0, 0, 3, 4, 0, 0));
  EXPECT_THAT(ValuesOf("slice { axis: -1 step: 2 }", x), ElementsAre(1, 3, 5, 6, 8, 10));
  EXPECT_THAT(ValuesOf("slice { axis: 1 start: 1 step: 3 }", x), ElementsAre(2, 5, 7, 10));
  EXPECT_THAT(ValuesOf("slice { axis: 1 start: 1 stop: 4 step: 3 }", x), ElementsAre(2, 7));
  EXPECT_THAT(ValuesOf("slice { start: 1 }", x), ElementsAre(6, 7, 8, 9, 10));
}

TEST(SliceTest, TheLargestStepDoesNotOverflow) {
  EXPECT_THAT(ValuesOf("slice { start: 1 step: 9223372036854775807 }", {Vector({1, 2, 3})}),
              ElementsAre(2));
}

TEST(SliceShapeTest, RangeIsOutside) {
  ExpectError("slice { start: 3 }", {{3, 2}}, Reason::kInvalidValue,
              "slice.start: 3 is out of range, axis 0 has indices 0 to 2");
  ExpectError("slice { axis: 1 start: -1 }", {{3, 2}}, Reason::kInvalidValue,
              "slice.start: -1 is out of range, axis 1 has indices 0 to 1");
  ExpectError("slice { start: 1 stop: 1 }", {{3, 2}}, Reason::kInvalidValue,
              "slice.stop: 1 is out of range, from start 1 in axis 0 it is 2 to 3");
  ExpectError("slice { stop: 4 }", {{3, 2}}, Reason::kInvalidValue,
              "slice.stop: 4 is out of range, from start 0 in axis 0 it is 1 to 3");
  ExpectError("slice { stop: -9223372036854775808 }", {{3, 2}}, Reason::kInvalidValue,
              "slice.stop: -9223372036854775808 is out of range, from start 0 in axis 0 it is 1 to "
              "3");
  ExpectError("slice { step: 0 }", {{3, 2}}, Reason::kInvalidValue,
              "slice.step: 0 is not 1 or more");
  ExpectError("slice { axis: 2 }", {{3, 2}}, Reason::kInvalidValue,
              "slice.axis: axis 2 is out of range, the operand has axes -2 to 1");
  ExpectError("slice {}", {{}}, Reason::kInvalidValue,
              "slice.axis: axis 0 does not exist, the operand is a scalar");
}

// Broadcast

TEST(BroadcastTest, RepeatsAndSumsBack) {
  const Operands x = {Vector({1, 2})};
  EXPECT_THAT(ValuesOf("broadcast { shape: [ 2, 2 ] }", x), ElementsAre(1, 2, 1, 2));
  EXPECT_THAT(GradientOf("broadcast { shape: [ 2, 2 ] }", x, 0, Counting), ElementsAre(4, 6));
  const Operands column = {{Shape{2, 1}, {1, 2}}};
  EXPECT_THAT(ValuesOf("broadcast { shape: [ 2, 2 ] }", column), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(GradientOf("broadcast { shape: [ 2, 2 ] }", column, 0, Counting), ElementsAre(3, 7));
}

TEST(BroadcastShapeTest, DoesNotBroadcast) {
  ExpectError("broadcast { shape: [ 2, 3 ] }", {{2}}, Reason::kShapeMismatch,
              "broadcast.shape: input of shape [2] does not broadcast to [2, 3]");
  // The two broadcast with each other, but not to this.
  ExpectError("broadcast { shape: [ 2, 1 ] }", {{2, 3}}, Reason::kShapeMismatch,
              "broadcast.shape: input of shape [2, 3] does not broadcast to [2, 1]");
  ExpectError("broadcast { shape: 3 }", {{1, 3}}, Reason::kShapeMismatch,
              "broadcast.shape: input of shape [1, 3] does not broadcast to [3]");
  ExpectError("broadcast { shape: [ 2, -1 ] }", {{2}}, Reason::kInvalidValue,
              "broadcast.shape[1]: a length is at least 1, this one is -1");
  ExpectError("broadcast { shape: [ 1, 1, 1, 1, 1, 1, 1, 1, 1 ] }", {{}}, Reason::kLimitExceeded,
              "broadcast.shape: a tensor has at most 8 axes, the output would have 9");
}

// The caller refuses it for its size; until then nothing may multiply the lengths.
TEST(BroadcastShapeTest, AHugeShapeIsInferredAsItIs) {
  const auto shape = InferShape(
      FromText<v1::Node>("broadcast { shape: [ 9223372036854775807, 9223372036854775807 ] }"),
      {{}});
  ASSERT_TRUE(shape.ok()) << shape.status();
  EXPECT_EQ(shape->ToString(), "[9223372036854775807, 9223372036854775807]");
}

// Einsum

std::string Einsum(const std::string& equation) {
  return "einsum { equation: '" + equation + "' }";
}

TEST(EinsumTest, KnownProducts) {
  const Tensor<double> a = Counting({2, 2});
  const Tensor<double> b(Shape{2, 2}, {5, 6, 7, 8});
  EXPECT_THAT(ValuesOf(Einsum("ij,jk->ik"), {a, b}), ElementsAre(19, 22, 43, 50));
  EXPECT_THAT(ValuesOf(Einsum("ij,jk->ki"), {a, b}), ElementsAre(19, 43, 22, 50));
  EXPECT_THAT(ValuesOf(Einsum("ij,ij->"), {a, b}), ElementsAre(70));
  EXPECT_THAT(ValuesOf(Einsum("i,j->ij"), {Vector({1, 2}), Vector({3, 5})}),
              ElementsAre(3, 5, 6, 10));
  EXPECT_THAT(ValuesOf(Einsum("i,ij,j->"), {Vector({1, 10}), a, Vector({1, 100})}),
              ElementsAre(4231));
  EXPECT_THAT(ValuesOf(Einsum("Aa->aA"), {Counting({2, 3})}), ElementsAre(1, 4, 2, 5, 3, 6));
}

// The letter i is in the first operand only: it is summed, and every part of the sum has the same
// gradient.
TEST(EinsumTest, ALetterOfOneOperandSpreadsTheGradient) {
  const Operands operands = {Counting({2, 3}), Vector({2, 4, 6})};
  EXPECT_THAT(ValuesOf(Einsum("ij,j->j"), operands), ElementsAre(10, 28, 54));
  EXPECT_THAT(GradientOf(Einsum("ij,j->j"), operands, 0, Counting),
              ElementsAre(2, 8, 18, 2, 8, 18));
  EXPECT_THAT(GradientOf(Einsum("ij,j->j"), operands, 1, Counting), ElementsAre(5, 14, 27));
}

TEST(EinsumTest, BlanksDoNotCount) {
  EXPECT_THAT(ValuesOf(Einsum("  i j ,  jk -> "), {Counting({1, 1}), Counting({1, 1})}),
              ElementsAre(1));
}

TEST(EinsumShapeTest, IsNoEquation) {
  ExpectError(Einsum("ij,jk"), {{2, 3}, {3, 2}}, Reason::kInvalidValue,
              "einsum.equation: 'ij,jk' has no ->");
  ExpectError("einsum {}", {{2, 3}}, Reason::kInvalidValue, "einsum.equation: '' has no ->");
  ExpectError(Einsum("i...->i"), {{2, 3}}, Reason::kInvalidValue,
              "einsum.equation: term 'i...' has something that is no letter");
  ExpectError(Einsum("ij->i,j"), {{2, 3}}, Reason::kInvalidValue,
              "einsum.equation: term 'i,j' has something that is no letter");
  ExpectError(Einsum("ij->i->j"), {{2, 3}}, Reason::kInvalidValue,
              "einsum.equation: term 'i->j' has something that is no letter");
  ExpectError(Einsum("i\xc3\xa4->i"), {{2, 3}}, Reason::kInvalidValue,
              "einsum.equation: term 'i\xc3\xa4' has something that is no letter");
  ExpectError(Einsum("ii->i"), {{2, 2}}, Reason::kInvalidValue,
              "einsum.equation: letter i is twice in term 'ii'");
  ExpectError(Einsum("ij->ii"), {{2, 2}}, Reason::kInvalidValue,
              "einsum.equation: letter i is twice in term 'ii'");
  ExpectError(Einsum("ij->ik"), {{2, 2}}, Reason::kInvalidValue,
              "einsum.equation: letter k of the output is in no operand");
}

TEST(EinsumShapeTest, OperandsDoNotFit) {
  ExpectError(Einsum("ij->i"), {{2, 3}, {3}}, Reason::kShapeMismatch,
              "einsum.equation: 1 term before the arrow, 2 operands");
  ExpectError(Einsum("ij,j->i"), {{2, 3}}, Reason::kShapeMismatch,
              "einsum.equation: 2 terms before the arrow, 1 operand");
  ExpectError(Einsum("ij,j->i"), {{2, 3}, {3, 1}}, Reason::kShapeMismatch,
              "einsum.equation: term 'j' does not name the axes of operand 1 (shape [3, 1])");
  ExpectError(Einsum("i->i"), {{}}, Reason::kShapeMismatch,
              "einsum.equation: term 'i' does not name the axes of operand 0 (shape [])");
  ExpectError(Einsum("ij,jk->ik"), {{2, 3}, {4, 2}}, Reason::kShapeMismatch,
              "einsum.equation: letter j has length 3, and 4 in operand 1 (shape [4, 2])");
  // No stretching.
  ExpectError(Einsum("i,i->i"), {{3}, {1}}, Reason::kShapeMismatch,
              "einsum.equation: letter i has length 3, and 1 in operand 1 (shape [1])");
}

TEST(EinsumShapeTest, IsTooLarge) {
  const Shape long_axes = {1 << 12, 1 << 12};
  ExpectError(Einsum("ab,cd,ef,gh,ij,kl->"), std::vector<Shape>(6, long_axes),
              Reason::kLimitExceeded,
              "einsum.equation: the lengths of all letters multiply to 2^63 or more");
  ExpectError(Einsum("abcde,fghij->abcdefghi"), {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}},
              Reason::kLimitExceeded,
              "einsum.equation: a tensor has at most 8 axes, the output would have 9");
  // As many commas as fit in a request are counted, not taken apart.
  ExpectError(Einsum(std::string(1 << 20, ',') + "->"), {{}}, Reason::kShapeMismatch,
              "einsum.equation: 1048577 terms before the arrow, 1 operand");
}

// Neither a limit that means nothing, nor one that refuses what is cheap.
TEST(EinsumTest, CostsWhatItMultiplies) {
  const v1::Node node = FromText<v1::Node>(Einsum("ij,jk->ik"));
  const std::vector<Shape> operands = {{100, 200}, {200, 300}};
  const double flops = OpOfNode(node).flops({node, operands}, Shape{100, 300});
  EXPECT_GE(flops, 2 * 100. * 200 * 300);
  EXPECT_LE(flops, 100 * 100. * 200 * 300);
}

}  // namespace
}  // namespace gradus::testing
