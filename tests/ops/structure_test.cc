// Pooling, dropout and embedding: numbers worked by hand or by PyTorch, ties, and errors.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/ops/check_op.h"

namespace gradus::testing {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

// 1, 2, 2     A 2 by 2 window has its largest number twice or three times.
// 2, 1, 2
// 0, 0, 0
const Tensor<double> kTies = {{1, 1, 3, 3}, {1, 2, 2, 2, 1, 2, 0, 0, 0}};
constexpr char kOverlapping[] = "max_pool2d { kernel: 2 stride: 1 }";

// -2.9, 0.2, 3.3    Padded by one place.
// -0.6, 2.5, -1.4
//  1.7, -2.2, 0.9
//  4, 0.1, 3.2
const Tensor<double> kImage = {{1, 1, 4, 3},
                               {-2.9, 0.2, 3.3, -0.6, 2.5, -1.4, 1.7, -2.2, 0.9, 4, 0.1, 3.2}};

TEST(MaxPoolTest, WindowsThatOverlapAndReachIntoThePadding) {
  const std::string op = "max_pool2d { kernel: 3 stride: [ 2, 1 ] padding: 1 }";
  EXPECT_THAT(ValuesOf(op, {kImage}), ElementsAre(2.5, 3.3, 3.3, 4, 4, 3.2));
  EXPECT_THAT(GradientOf(op, {kImage}, 0, Counting),
              ElementsAre(0, 0, 5, 0, 1, 0, 0, 0, 0, 9, 0, 6));
}

TEST(MaxPoolTest, PaddingNeverWins) {
  const Operands negative = {{{1, 1, 3}, {-3, -2, -1}}};
  const std::string op = "max_pool1d { kernel: 2 padding: 1 }";
  EXPECT_THAT(ValuesOf(op, negative), ElementsAre(-3, -1));
  EXPECT_THAT(GradientOf(op, negative, 0, Counting), ElementsAre(1, 0, 2));
}

TEST(MaxPoolTest, TheStrideIsTheKernel) {
  EXPECT_THAT(ValuesOf("max_pool2d { kernel: [ 1, 2 ] }", {{{1, 1, 1, 5}, {1, 2, 4, 3, 9}}}),
              ElementsAre(2, 4));
}

TEST(MaxPoolTest, TheFirstOfTheLargestTakesAll) {
  EXPECT_THAT(ValuesOf(kOverlapping, {kTies}), ElementsAre(2, 2, 2, 2));
  const auto expected = ElementsAre(0, 3, 0, 3, 0, 4, 0, 0, 0);
  EXPECT_THAT(GradientOf(kOverlapping, {kTies}, 0, Counting), expected);
  EXPECT_THAT(ForwardModeOf(kOverlapping, {kTies}, 0, Counting).gradient, expected);
}

// What masks are made of: the difference of two of them is no number.
TEST(MaxPoolTest, InfinitiesTieToo) {
  for (const double x : {kInfinity, -kInfinity}) {
    const Operands operands = {{{1, 1, 3}, {x, x, x}}};
    EXPECT_THAT(ValuesOf("max_pool1d { kernel: 3 }", operands), ElementsAre(x));
    EXPECT_THAT(GradientOf("max_pool1d { kernel: 3 }", operands, 0, Counting),
                ElementsAre(1, 0, 0));
  }
  const Operands far = {{{1, 1, 2}, {-1e308, 1e308}}};
  EXPECT_THAT(GradientOf("max_pool1d { kernel: 2 }", far, 0, Counting), ElementsAre(0, 1));
}

// 0 to 2 and 1 to 3 may each be the largest; 0 to 0.5 cannot.
TEST(MaxPoolTest, IntervalsThatOverlapMayEachBeTheLargest) {
  const v1::Node node = FromText<v1::Node>("max_pool1d { kernel: 3 }");
  const std::vector<Tensor<Interval>> box = {
      {{1, 1, 3}, {Interval(0, 2), Interval(1, 3), Interval(0, 0.5)}}};
  const Tensor<Interval> output = Forward(node, box);
  EXPECT_EQ(output[0].lo(), 1);
  EXPECT_EQ(output[0].hi(), 3);
  const Tensor<Interval> gradient =
      InputGradient(node, box, output, Tensor<Interval>({1, 1, 1}, {Interval(4)}), 0);
  for (const int64_t i : {0, 1}) {
    EXPECT_NEAR(gradient[i].lo(), 0, 1e-14);
    EXPECT_NEAR(gradient[i].hi(), 4, 1e-14);
  }
  EXPECT_EQ(gradient[2].lo(), 0);
  EXPECT_EQ(gradient[2].hi(), 0);
}

TEST(AvgPoolTest, CountsThePaddingUnlessToldNotTo) {
  const Operands operands = {{{1, 1, 3}, {6, 12, 18}}};
  const std::string with = "avg_pool1d { kernel: 3 stride: 2 padding: 1 }";
  EXPECT_THAT(ValuesOf(with, operands), ElementsAre(6, 10));
  EXPECT_THAT(GradientOf(with, operands, 0, {3, 6}), ElementsAre(1, 3, 2));
  const std::string without =
      "avg_pool1d { kernel: 3 stride: 2 padding: 1 count_include_pad: false }";
  EXPECT_THAT(ValuesOf(without, operands), ElementsAre(9, 15));
  EXPECT_THAT(GradientOf(without, operands, 0, {4, 6}), ElementsAre(2, 5, 3));
}

TEST(AvgPoolTest, OverTwoAxes) {
  const Operands operands = {{{1, 1, 4, 3}, {-3, 0, 3, -1, 2, -2, 1, -3, 0, 3, -1, 2}}};
  const std::string op = "avg_pool2d { kernel: 3 stride: 2 padding: 1 count_include_pad: false }";
  EXPECT_THAT(ValuesOf(op, operands),
              Pointwise(DoubleNear(1e-15), Numbers{-0.5, 0.75, 1.0 / 6, -1.0 / 3}));
  EXPECT_THAT(GradientOf(op, operands, 0, Counting),
              Pointwise(DoubleNear(1e-15), Numbers{0.25, 0.75, 0.5, 0.75, 23.0 / 12, 7.0 / 6, 0.5,
                                                   7.0 / 6, 2.0 / 3, 0.5, 7.0 / 6, 2.0 / 3}));
}

// A window of 2^30 places, of which 3 are no padding: neither time nor memory for the rest.
TEST(PoolTest, PaddingCostsNothing) {
  const Operands operands = {{{1, 1, 3}, {1, 3, 2}}};
  const std::string attributes = " { kernel: 1073741824 padding: 536870912 }";
  EXPECT_THAT(ValuesOf("max_pool1d" + attributes, operands), ElementsAre(3));
  EXPECT_THAT(GradientOf("max_pool1d" + attributes, operands, 0, Counting), ElementsAre(0, 1, 0));
  EXPECT_THAT(ValuesOf("avg_pool1d" + attributes, operands), ElementsAre(6.0 / 1073741824));
  const v1::Node node = FromText<v1::Node>("max_pool1d" + attributes);
  const std::vector<Shape> shapes = {{1, 1, 3}};
  EXPECT_LT(OpOfNode(node).flops({node, shapes}, {1, 1, 1}), 100);
}

TEST(GlobalAvgPoolTest, OfEachChannel) {
  const Operands operands = {{{1, 2, 2, 2}, {1, 2, 3, 4, 5, 5, 5, 9}}};
  EXPECT_THAT(ValuesOf("global_avg_pool {}", operands), ElementsAre(2.5, 6));
  EXPECT_THAT(GradientOf("global_avg_pool {}", operands, 0, {4, 8}),
              ElementsAre(1, 1, 1, 1, 2, 2, 2, 2));
}

TEST(DropoutTest, ScalesWhatIsKept) {
  const Operands operands = {Vector({1, 2, 3}), Vector({1, 0, 1})};
  EXPECT_THAT(ValuesOf("dropout { rate: 0.75 }", operands), ElementsAre(4, 0, 12));
  EXPECT_THAT(GradientOf("dropout { rate: 0.75 }", operands, 0, Counting), ElementsAre(4, 0, 12));
  EXPECT_THAT(GradientOf("dropout { rate: 0.75 }", operands, 1, Counting), ElementsAre(4, 16, 36));
  EXPECT_THAT(ValuesOf("dropout { rate: 0.75 plain: true }", operands), ElementsAre(1, 0, 3));
  EXPECT_THAT(GradientOf("dropout { rate: 0.75 plain: true }", operands, 0, Counting),
              ElementsAre(1, 0, 3));
  EXPECT_THAT(ValuesOf("dropout {}", {Vector({3}), Vector({-0.5})}), ElementsAre(-1.5));
}

// In float 1 - rate as a difference of floats would be 0.
TEST(DropoutTest, ARateNear1IsNot1InFloat) {
  const std::vector<Tensor<float>> operands = {{{1}, {1}}, {{1}, {1}}};
  EXPECT_NEAR(Forward(FromText<v1::Node>("dropout { rate: 0.99999999 }"), operands)[0], 1e8, 100);
}

TEST(EmbeddingTest, LooksUpRowsAndAddsUpWhatComesAgain) {
  const Operands operands = {{{2, 2}, {2, 0, 2, 2}}, {{3, 2}, {1, 2, 3, 4, 5, 6}}};
  EXPECT_THAT(ValuesOf("embedding {}", operands), ElementsAre(5, 6, 1, 2, 5, 6, 5, 6));
  EXPECT_THAT(GradientOf("embedding {}", operands, 1, Counting),
              ElementsAre(3, 4, 0, 0, 1 + 5 + 7, 2 + 6 + 8));
}

TEST(EmbeddingTest, ReadsItsFirstOperandAsIndices) {
  const v1::Node node = FromText<v1::Node>("embedding {}");
  const std::vector<Shape> shapes = {{5}, {3, 2}};
  const auto index = OpOfNode(node).index_operand({node, shapes});
  ASSERT_TRUE(index.has_value());
  EXPECT_EQ(index->position, 0);
  EXPECT_EQ(index->count, 3);
}

TEST(PoolShapeTest, RanksDoNotFit) {
  for (const std::string op : {"max_pool1d", "avg_pool1d"}) {
    ExpectError(op + " { kernel: 2 }", {{3, 4}}, Reason::kShapeMismatch,
                "input has shape [3, 4], expected [N, C, L]");
  }
  for (const std::string op : {"max_pool2d", "avg_pool2d"}) {
    ExpectError(op + " { kernel: 2 }", {{3, 4, 5}}, Reason::kShapeMismatch,
                "input has shape [3, 4, 5], expected [N, C, H, W]");
  }
  ExpectError("global_avg_pool {}", {{3, 4}}, Reason::kShapeMismatch,
              "input has shape [3, 4], expected [N, C, ...] with at least one spatial axis");
}

TEST(PoolShapeTest, KernelIsUnset) {
  for (const std::string op : {"max_pool2d", "avg_pool2d"}) {
    ExpectError(op + " {}", {{1, 1, 4, 4}}, Reason::kMissingField,
                op + ".kernel: unset; the length of the window is needed");
  }
}

TEST(PoolShapeTest, AttributesAreOutOfRange) {
  for (const std::string op : {"max_pool2d", "avg_pool2d"}) {
    const std::vector<Shape> x = {{1, 1, 4, 4}};
    ExpectError(op + " { kernel: [ 2, 0 ] }", x, Reason::kInvalidValue,
                op + ".kernel[1]: 0 is not from 1 to 2147483647");
    ExpectError(op + " { kernel: [ 2, 2, 2 ] }", x, Reason::kInvalidValue,
                op + ".kernel: 3 entries, expected one for both axes, or two");
    ExpectError(op + " { kernel: 9223372036854775807 }", x, Reason::kInvalidValue,
                op + ".kernel[0]: 9223372036854775807 is not from 1 to 2147483647");
    ExpectError(op + " { kernel: 2 stride: -1 }", x, Reason::kInvalidValue,
                op + ".stride[0]: -1 is not from 1 to 2147483647");
    ExpectError(op + " { kernel: 2 padding: -1 }", x, Reason::kInvalidValue,
                op + ".padding[0]: -1 is not from 0 to 2147483647");
    ExpectError(op + " { kernel: 3 padding: 2 }", x, Reason::kInvalidValue,
                op + ".padding[0]: 2 is more than half of the kernel, which is 3");
    ExpectError(op + " { kernel: [ 2, 1 ] padding: [ 0, 1 ] }", x, Reason::kInvalidValue,
                op + ".padding[1]: 1 is more than half of the kernel, which is 1");
    ExpectError(op + " { kernel: 5 }", x, Reason::kShapeMismatch,
                "a window spans 5 places, but axis 2 of the input (shape [1, 1, 4, 4]) has 4 with "
                "its padding");
  }
}

TEST(DropoutShapeTest, RateIsNone) {
  for (const std::string rate : {"1", "-0.5", "nan", "inf"}) {
    ExpectError("dropout { rate: " + rate + " }", {{3}, {3}}, Reason::kInvalidValue,
                "dropout.rate: " + rate + " is not from 0 up to, not including, 1");
  }
}

TEST(DropoutShapeTest, MaskDoesNotFit) {
  ExpectError("dropout {}", {{4, 3}, {3}}, Reason::kShapeMismatch,
              "input has shape [4, 3], mask has shape [3]");
}

TEST(EmbeddingShapeTest, OperandsDoNotFit) {
  ExpectError("embedding {}", {{4}, {3}}, Reason::kShapeMismatch,
              "weight has shape [3], expected [V, D]");
  ExpectError("embedding {}", {{1, 1, 1, 1, 1, 1, 1, 1}, {3, 2}}, Reason::kShapeMismatch,
              "indices have shape [1, 1, 1, 1, 1, 1, 1, 1], their rows would have more than 8 "
              "axes");
}

}  // namespace
}  // namespace gradus::testing
