// Convolutions against PyTorch, and against the definition where they are computed in several
// blocks.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/ops/check_op.h"

namespace gradus::testing {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

// Small whole numbers without a pattern that a transposed axis would keep.
Tensor<double> Cycle(const Shape& shape, int64_t factor, int64_t length) {
  Tensor<double> tensor(shape);
  const int64_t middle = length / 2;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor[i] = static_cast<double>(i * factor % length - middle);
  }
  return tensor;
}
Tensor<double> CycleOf7(const Shape& shape) { return Cycle(shape, 3, 7); }
Tensor<double> CycleOf5(const Shape& shape) { return Cycle(shape, 1, 5); }

TEST(Conv2dTest, IsACrossCorrelation) {
  const Operands operands = {
      {{1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}}, {{1, 1, 2, 2}, {1, 10, 100, 1000}}, Vector({0.5})};
  EXPECT_THAT(ValuesOf("conv2d {}", operands), ElementsAre(5421.5, 6532.5));
  EXPECT_THAT(GradientOf("conv2d {}", operands, 0, Counting),
              ElementsAre(1, 12, 20, 100, 1200, 2000));
  EXPECT_THAT(GradientOf("conv2d {}", operands, 1, Counting), ElementsAre(5, 8, 14, 17));
  EXPECT_THAT(GradientOf("conv2d {}", operands, 2, Counting), ElementsAre(3));
}

TEST(Conv2dTest, WithAllAttributes) {
  const std::string op =
      "conv2d { stride: [ 2, 1 ] padding: [ 1, 2 ] dilation: [ 1, 2 ] groups: 2 }";
  const Operands operands = {CycleOf7({1, 4, 3, 3}), CycleOf5({2, 2, 2, 3}), Vector({1, -1})};
  const Numbers upstream = CycleOf5({12}).values();
  EXPECT_THAT(ValuesOf(op, operands), ElementsAre(-19, 3, 6, 2, -13, 10, -3, 1, -7, 2, -5, 15));
  EXPECT_THAT(GradientOf(op, operands, 0, upstream),
              Pointwise(DoubleNear(0),
                        Numbers{-4, -2, 4,  3, -2, 2, 0, 4, -6, 4,  2, 2,  2, 0,  1,  -6, -4, 3,
                                -1, 0,  -1, 2, -2, 3, 0, 2, 1,  -1, 0, -1, 3, -4, -6, 1,  0,  2}));
  EXPECT_THAT(GradientOf(op, operands, 1, upstream),
              Pointwise(DoubleNear(0), Numbers{2, 7,  -2, -2, 1,  -6, 4,  6, -3, 0, 3,  -5,
                                               3, -9, 6,  3,  -5, -5, -3, 6, 4,  3, -4, -6}));
  EXPECT_THAT(GradientOf(op, operands, 2, upstream), ElementsAre(-2, -1));
}

TEST(Conv1dTest, WithAllAttributes) {
  const std::string op = "conv1d { stride: 2 padding: 1 dilation: 2 groups: 2 }";
  const Operands operands = {CycleOf7({2, 2, 6}), CycleOf5({4, 1, 2}), Vector({1, -1, 0, 2})};
  const Numbers upstream = CycleOf5({24}).values();
  EXPECT_THAT(ValuesOf(op, operands),
              Pointwise(DoubleNear(0), Numbers{1, 2,  5, -1, -2, -3, 6, -12, 2,   2, 5, -1,
                                               0, -1, 2, 0,  -1, -2, 4, 2,   -12, 2, 4, 5}));
  EXPECT_THAT(GradientOf(op, operands, 0, upstream),
              Pointwise(DoubleNear(0), Numbers{0, 5,  0, 3,  0, -2, 0, 4, 0, 3,  0, -2,
                                               0, -4, 0, -6, 0, -2, 0, 2, 0, -9, 0, 4}));
  EXPECT_THAT(GradientOf(op, operands, 1, upstream), ElementsAre(1, -1, 1, 0, 5, -9, 0, -9));
  EXPECT_THAT(GradientOf(op, operands, 2, upstream), ElementsAre(0, -2, 1, -1));
}

TEST(ConvTranspose2dTest, SpreadsEachNumber) {
  const Operands operands = {{{1, 1, 1, 2}, {1, 10}}, {{1, 1, 1, 2}, {2, 3}}, Vector({0.5})};
  EXPECT_THAT(ValuesOf("conv_transpose2d {}", operands), ElementsAre(2.5, 23.5, 30.5));
  EXPECT_THAT(GradientOf("conv_transpose2d {}", operands, 0, Counting), ElementsAre(8, 13));
  EXPECT_THAT(GradientOf("conv_transpose2d {}", operands, 1, Counting), ElementsAre(21, 32));
  EXPECT_THAT(GradientOf("conv_transpose2d {}", operands, 2, Counting), ElementsAre(6));
}

TEST(ConvTranspose2dTest, WithAllAttributes) {
  const std::string op =
      "conv_transpose2d { stride: [ 2, 3 ] padding: [ 1, 0 ] output_padding: [ 1, 2 ] "
      "dilation: [ 2, 1 ] groups: 2 }";
  const Operands operands = {CycleOf7({1, 4, 2, 1}), CycleOf5({4, 1, 2, 2}), Vector({1, -1})};
  EXPECT_THAT(ValuesOf(op, operands),
              Pointwise(DoubleNear(0),
                        Numbers{1,  1,  1,  1,  -4, 0,   1,  1,  1,  1,  1,  1,  2,  1, 1,  1,
                                -1, -1, -1, -1, -5, -12, -1, -1, -1, -1, -1, -1, -3, 7, -1, -1}));
  EXPECT_THAT(GradientOf(op, operands, 0, Counting), ElementsAre(6, -2, -5, -15, -64, -23, -2, 20));
  EXPECT_THAT(GradientOf(op, operands, 1, Counting),
              Pointwise(DoubleNear(0), Numbers{0, 0, -15, -18, -5, -6, 2, 4, -42, -44, -16, -16,
                                               -63, -66, -66, -68}));
  EXPECT_THAT(GradientOf(op, operands, 2, Counting), ElementsAre(136, 392));
}

// More windows than are laid out at a time: 300 * 300 of them, with 9 * 2 numbers each.
TEST(Conv2dTest, ALargeImageIsComputedBlockByBlock) {
  constexpr int64_t kLength = 300;
  const Tensor<double> x = CycleOf7({1, 2, kLength, kLength});
  const Tensor<double> weight = CycleOf5({2, 2, 3, 3});
  const std::string op = "conv2d { padding: 1 }";
  const Numbers y = ValuesOf(op, {x, weight});
  const Numbers upstream = CycleOf5({2 * kLength * kLength}).values();
  const Numbers x_gradient = GradientOf(op, {x, weight}, 0, upstream);
  const Numbers weight_gradient = GradientOf(op, {x, weight}, 1, upstream);

  Numbers expected_y(y.size());
  Numbers expected_x_gradient(x_gradient.size());
  Numbers expected_weight_gradient(weight_gradient.size());
  size_t at_weight = 0;
  for (int64_t o = 0; o < 2; ++o) {
    for (int64_t c = 0; c < 2; ++c) {
      for (int64_t k = 0; k < 9; ++k, ++at_weight) {
        const double w = weight.values()[at_weight];
        for (int64_t place = 0; place < kLength * kLength; ++place) {
          const int64_t row = place / kLength + k / 3 - 1;
          const int64_t column = place % kLength + k % 3 - 1;
          if (row < 0 || row >= kLength || column < 0 || column >= kLength) continue;
          const auto at_x = static_cast<size_t>((c * kLength + row) * kLength + column);
          const auto at_y = static_cast<size_t>(o * kLength * kLength + place);
          expected_y[at_y] += w * x.values()[at_x];
          expected_x_gradient[at_x] += w * upstream[at_y];
          expected_weight_gradient[at_weight] += x.values()[at_x] * upstream[at_y];
        }
      }
    }
  }
  // Whole numbers: exact in any order.
  EXPECT_EQ(y, expected_y);
  EXPECT_EQ(x_gradient, expected_x_gradient);
  EXPECT_EQ(weight_gradient, expected_weight_gradient);
}

TEST(ConvolutionFlopsTest, CountsTheProductAndTheLayout) {
  const auto flops = [](const std::string& op, const std::vector<Shape>& shapes) {
    const v1::Node node = FromText<v1::Node>(op);
    return OpOfNode(node).flops({node, shapes}, *InferShape(node, shapes));
  };
  // 2 * 3 * 3 windows of 4 * 2 * 2 numbers, each for 5 channels; and all numbers read and written.
  EXPECT_EQ(flops("conv2d {}", {{2, 4, 4, 4}, {5, 4, 2, 2}}),
            2 * 9 * 16 * (2 * 5 + 4) + 128 + 80 + 90);
  // Two groups: half of the channels for each.
  EXPECT_EQ(flops("conv2d { groups: 2 }", {{2, 4, 4, 4}, {6, 2, 2, 2}}),
            2 * 2 * 9 * 8 * (2 * 3 + 4) + 128 + 48 + 108);
}

TEST(ConvolutionShapeTest, RanksDoNotFit) {
  ExpectError("conv1d {}", {{2, 4}, {2, 4, 1}}, Reason::kShapeMismatch,
              "input has shape [2, 4], expected [N, C, L]");
  ExpectError("conv1d {}", {{2, 4, 5}, {2, 4}}, Reason::kShapeMismatch,
              "weight has shape [2, 4], expected [out, C / groups, K]");
  ExpectError("conv2d {}", {{4, 5, 5}, {2, 4, 1, 1}}, Reason::kShapeMismatch,
              "input has shape [4, 5, 5], expected [N, C, H, W]");
  ExpectError("conv2d {}", {{1, 4, 5, 5}, {2, 4, 1}}, Reason::kShapeMismatch,
              "weight has shape [2, 4, 1], expected [out, C / groups, KH, KW]");
  ExpectError("conv_transpose2d {}", {{}, {2, 4, 1, 1}}, Reason::kShapeMismatch,
              "input has shape [], expected [N, C, H, W]");
  ExpectError("conv_transpose2d {}", {{1, 4, 5, 5}, {4}}, Reason::kShapeMismatch,
              "weight has shape [4], expected [C, out / groups, KH, KW]");
}

TEST(ConvolutionShapeTest, GroupsDoNotDivide) {
  for (const std::string groups : {"0", "-1"}) {
    ExpectError("conv2d { groups: " + groups + " }", {{1, 4, 5, 5}, {2, 4, 1, 1}},
                Reason::kInvalidValue, "conv2d.groups: " + groups + " is less than 1");
  }
  ExpectError(
      "conv1d { groups: 3 }", {{1, 4, 5}, {3, 1, 1}}, Reason::kInvalidValue,
      "conv1d.groups: 3 groups do not divide the 4 channels of the input (shape [1, 4, 5])");
  ExpectError("conv2d { groups: 2 }", {{1, 4, 5, 5}, {3, 2, 1, 1}}, Reason::kInvalidValue,
              "conv2d.groups: 2 groups do not divide the 3 output channels of weight (shape "
              "[3, 2, 1, 1])");
  ExpectError("conv_transpose2d { groups: 9223372036854775807 }", {{1, 4, 5, 5}, {4, 2, 1, 1}},
              Reason::kInvalidValue,
              "conv_transpose2d.groups: 9223372036854775807 groups do not divide the 4 channels of "
              "the input (shape [1, 4, 5, 5])");
}

TEST(ConvolutionShapeTest, ChannelsDoNotMatch) {
  ExpectError("conv2d { groups: 2 }", {{1, 4, 5, 5}, {2, 4, 1, 1}}, Reason::kShapeMismatch,
              "input has 2 channels per group (shape [1, 4, 5, 5], groups 2), weight expects 4 "
              "(shape [2, 4, 1, 1])");
  ExpectError("conv_transpose2d {}", {{1, 4, 5, 5}, {2, 4, 1, 1}}, Reason::kShapeMismatch,
              "input has 4 channels (shape [1, 4, 5, 5]), weight expects 2 (shape [2, 4, 1, 1])");
}

TEST(ConvolutionShapeTest, BiasFitsNoChannel) {
  ExpectError("conv2d {}", {{1, 4, 5, 5}, {2, 4, 1, 1}, {1}}, Reason::kShapeMismatch,
              "bias has shape [1], expected [2], one per output channel");
  ExpectError("conv_transpose2d { groups: 2 }", {{1, 4, 5, 5}, {4, 3, 1, 1}, {3}},
              Reason::kShapeMismatch, "bias has shape [3], expected [6], one per output channel");
}

TEST(ConvolutionShapeTest, TooManyEntries) {
  ExpectError("conv1d { stride: [ 1, 1 ] }", {{1, 1, 5}, {1, 1, 2}}, Reason::kInvalidValue,
              "conv1d.stride: 2 entries, expected one");
  ExpectError("conv2d { padding: [ 1, 1, 1 ] }", {{1, 1, 5, 5}, {1, 1, 2, 2}},
              Reason::kInvalidValue,
              "conv2d.padding: 3 entries, expected one for both axes, or two");
}

TEST(ConvolutionShapeTest, EntriesAreOutOfRange) {
  const std::vector<Shape> operands = {{1, 1, 5, 5}, {1, 1, 2, 2}};
  for (const std::string op : {"conv2d", "conv_transpose2d"}) {
    ExpectError(op + " { stride: [ 1, 0 ] }", operands, Reason::kInvalidValue,
                op + ".stride[1]: 0 is not from 1 to 2147483647");
    ExpectError(op + " { dilation: -9223372036854775808 }", operands, Reason::kInvalidValue,
                op + ".dilation[0]: -9223372036854775808 is not from 1 to 2147483647");
    ExpectError(op + " { padding: 9223372036854775807 }", operands, Reason::kInvalidValue,
                op + ".padding[0]: 9223372036854775807 is not from 0 to 2147483647");
    ExpectError(op + " { padding: [ -1, 0 ] }", operands, Reason::kInvalidValue,
                op + ".padding[0]: -1 is not from 0 to 2147483647");
  }
  ExpectError("conv_transpose2d { output_padding: -1 }", operands, Reason::kInvalidValue,
              "conv_transpose2d.output_padding[0]: -1 is not from 0 to 2147483647");
}

TEST(ConvolutionShapeTest, WindowIsLongerThanTheInput) {
  ExpectError(
      "conv2d { dilation: [ 1, 3 ] padding: [ 0, 1 ] }", {{1, 1, 5, 4}, {1, 1, 5, 3}},
      Reason::kShapeMismatch,
      "a window spans 7 places, but axis 3 of the input (shape [1, 1, 5, 4]) has 6 with its "
      "padding");
  ExpectError("conv1d { dilation: 2147483647 }", {{1, 1, 5}, {1, 1, 3}}, Reason::kShapeMismatch,
              "a window spans 4294967295 places, but axis 2 of the input (shape [1, 1, 5]) has 5 "
              "with its padding");
}

TEST(ConvolutionShapeTest, TheLargestAttributesGiveAShapeToRefuse) {
  const auto shape = InferShape(FromText<v1::Node>("conv2d { padding: 2147483647 }"),
                                {{1, 1, 5, 5}, {1, 1, 1, 1}});
  ASSERT_TRUE(shape.ok()) << shape.status();
  EXPECT_EQ(*shape, (Shape{1, 1, 4294967299, 4294967299}));
  const auto transposed = InferShape(
      FromText<v1::Node>("conv_transpose2d { stride: 2147483647 output_padding: 2147483646 }"),
      {{1, 1, 3, 1}, {1, 1, 1, 1}});
  ASSERT_TRUE(transposed.ok()) << transposed.status();
  EXPECT_EQ(*transposed, (Shape{1, 1, 6442450941, 2147483647}));
}

TEST(ConvTranspose2dShapeTest, OutputPaddingIsTooLarge) {
  ExpectError("conv_transpose2d { stride: [ 3, 2 ] output_padding: 2 }",
              {{1, 1, 5, 5}, {1, 1, 2, 2}}, Reason::kInvalidValue,
              "conv_transpose2d.output_padding[0]: 2 is less than neither the stride 2 nor the "
              "dilation 1");
  ExpectError("conv_transpose2d { output_padding: [ 0, 1 ] }", {{1, 1, 5, 5}, {1, 1, 2, 2}},
              Reason::kInvalidValue,
              "conv_transpose2d.output_padding[1]: 1 is less than neither the stride 1 nor the "
              "dilation 1");
}

TEST(ConvTranspose2dShapeTest, PaddingCutsOffAll) {
  ExpectError("conv_transpose2d { padding: [ 0, 2 ] }", {{1, 1, 3, 3}, {1, 1, 2, 2}},
              Reason::kInvalidValue,
              "conv_transpose2d.padding: nothing is left of axis 3: 4 of its 4 places are cut off");
}

}  // namespace
}  // namespace gradus::testing
