// Numbers worked by hand, and the ends of the number line, where the oracle of the table cannot go.
#include <cmath>
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
using ::testing::Pointwise;

Numbers SlopesOf(const std::string& op, const Tensor<double>& z) {
  const v1::Node node = FromText<v1::Node>(op);
  return Slope(node, {z}, Forward<double>(node, {z})).values();
}

// -0 equals 0 but prints differently.
bool IsPositiveZero(double x) { return x == 0 && !std::signbit(x); }

// Dense

TEST(DenseTest, OneExample) {
  const Operands operands = {Vector({1, 2}), Matrix(3, {1, 2, 3, 4, 5, 6}), Vector({0.5, -0.5, 1})};
  EXPECT_THAT(ValuesOf("dense {}", operands), ElementsAre(5.5, 10.5, 18));
  EXPECT_THAT(GradientOf("dense {}", operands, 0, {1, 2, 3}), ElementsAre(22, 28));
  EXPECT_THAT(GradientOf("dense {}", operands, 1, {1, 2, 3}), ElementsAre(1, 2, 2, 4, 3, 6));
  EXPECT_THAT(GradientOf("dense {}", operands, 2, {1, 2, 3}), ElementsAre(1, 2, 3));
}

TEST(DenseTest, ABatchSumsItsParameterGradients) {
  const Operands operands = {Matrix(2, {1, 2, 3, 4}), Matrix(1, {5, 6}), Vector({7})};
  EXPECT_THAT(ValuesOf("dense {}", operands), ElementsAre(24, 46));
  EXPECT_THAT(GradientOf("dense {}", operands, 1, {1, 10}), ElementsAre(31, 42));
  EXPECT_THAT(GradientOf("dense {}", operands, 2, {1, 10}), ElementsAre(11));
}

TEST(DenseTest, ASharedBiasCollectsAllUnitsOfAllExamples) {
  const Operands operands = {Matrix(2, {1, 2}), Matrix(2, {1, 1}), Vector({0.5})};
  EXPECT_THAT(ValuesOf("dense {}", operands), ElementsAre(1.5, 1.5, 2.5, 2.5));
  EXPECT_THAT(GradientOf("dense {}", operands, 2, {1, 2, 3, 4}), ElementsAre(10));
}

// Arithmetic

TEST(AddTest, BroadcastsAndSumsBack) {
  const Operands operands = {Matrix(2, {1, 2, 3, 4, 5, 6}), Vector({10, 20, 30}), Scalar(100)};
  EXPECT_THAT(ValuesOf("add {}", operands), ElementsAre(111, 122, 133, 114, 125, 136));
  EXPECT_THAT(GradientOf("add {}", operands, 1, {1, 2, 3, 4, 5, 6}), ElementsAre(5, 7, 9));
  EXPECT_THAT(GradientOf("add {}", operands, 2, {1, 2, 3, 4, 5, 6}), ElementsAre(21));
}

TEST(SubtractTest, BroadcastsAndSumsBack) {
  const Operands operands = {Matrix(2, {1, 2}), Matrix(1, {10, 20})};
  EXPECT_THAT(ValuesOf("subtract {}", operands), ElementsAre(-9, -19, -8, -18));
  EXPECT_THAT(GradientOf("subtract {}", operands, 0, {1, 2, 3, 4}), ElementsAre(3, 7));
  EXPECT_THAT(GradientOf("subtract {}", operands, 1, {1, 2, 3, 4}), ElementsAre(-4, -6));
}

TEST(MultiplyTest, BroadcastsAndSumsBack) {
  const Operands operands = {Matrix(2, {1, 2}), Matrix(1, {10, 20})};
  EXPECT_THAT(ValuesOf("multiply {}", operands), ElementsAre(10, 20, 20, 40));
  EXPECT_THAT(GradientOf("multiply {}", operands, 0, {1, 2, 3, 4}), ElementsAre(50, 110));
  EXPECT_THAT(GradientOf("multiply {}", operands, 1, {1, 2, 3, 4}), ElementsAre(7, 10));
}

TEST(ScaleTest, DefaultsToZero) {
  EXPECT_THAT(ValuesOf("scale { factor: -2 }", {Vector({1, 2})}), ElementsAre(-2, -4));
  EXPECT_THAT(ValuesOf("scale {}", {Vector({1, 2})}), ElementsAre(0, 0));
}

TEST(MatMulTest, MultipliesAndTransposes) {
  const Tensor<double> a = Matrix(2, {1, 2, 3, 4});
  const Tensor<double> b = Matrix(2, {5, 6, 7, 8});
  EXPECT_THAT(ValuesOf("mat_mul {}", {a, b}), ElementsAre(19, 22, 43, 50));
  EXPECT_THAT(ValuesOf("mat_mul { transpose_a: true }", {a, b}), ElementsAre(26, 30, 38, 44));
  EXPECT_THAT(ValuesOf("mat_mul { transpose_b: true }", {a, b}), ElementsAre(17, 23, 39, 53));
  EXPECT_THAT(ValuesOf("mat_mul { transpose_a: true transpose_b: true }", {a, b}),
              ElementsAre(23, 31, 34, 46));
  EXPECT_THAT(GradientOf("mat_mul {}", {a, b}, 0, {1, 0, 0, 0}), ElementsAre(5, 7, 0, 0));
  EXPECT_THAT(GradientOf("mat_mul {}", {a, b}, 1, {1, 0, 0, 0}), ElementsAre(1, 0, 2, 0));
}

TEST(MatMulTest, AVectorIsARowOnTheLeftAndAColumnOnTheRight) {
  const Tensor<double> m = Matrix(2, {1, 2, 3, 4});
  const Tensor<double> v = Vector({10, 1});
  EXPECT_THAT(ValuesOf("mat_mul {}", {v, m}), ElementsAre(13, 24));
  EXPECT_THAT(ValuesOf("mat_mul {}", {m, v}), ElementsAre(12, 34));
  EXPECT_THAT(ValuesOf("mat_mul {}", {v, v}), ElementsAre(101));
}

TEST(SumTest, OverEachChoiceOfAxes) {
  const Operands x = {Matrix(2, {1, 2, 3, 4, 5, 6})};
  EXPECT_THAT(ValuesOf("sum {}", x), ElementsAre(21));
  EXPECT_THAT(ValuesOf("sum { axes: 0 }", x), ElementsAre(5, 7, 9));
  EXPECT_THAT(ValuesOf("sum { axes: -1 }", x), ElementsAre(6, 15));
  EXPECT_THAT(ValuesOf("sum { axes: 0 axes: 1 }", x), ElementsAre(21));
  EXPECT_THAT(GradientOf("sum { axes: 0 }", x, 0, {1, 2, 3}), ElementsAre(1, 2, 3, 1, 2, 3));
  EXPECT_THAT(GradientOf("sum { axes: 1 }", x, 0, {1, 2}), ElementsAre(1, 1, 1, 2, 2, 2));
}

TEST(MeanTest, DividesByWhatItSummed) {
  const Operands x = {Matrix(2, {1, 2, 3, 4, 5, 6})};
  EXPECT_THAT(ValuesOf("mean {}", x), ElementsAre(3.5));
  EXPECT_THAT(ValuesOf("mean { axes: 0 }", x), ElementsAre(2.5, 3.5, 4.5));
  EXPECT_THAT(ValuesOf("mean { axes: 1 }", x), ElementsAre(2, 5));
  EXPECT_THAT(GradientOf("mean { axes: 0 }", x, 0, {1, 2, 3}),
              ElementsAre(0.5, 1, 1.5, 0.5, 1, 1.5));
}

// Activations

TEST(SigmoidTest, KnownValues) {
  EXPECT_THAT(ValuesOf("sigmoid {}", {Vector({0, 1, -1, -40})}),
              Pointwise(DoubleEq(), Numbers{0.5, 0.73105857863000488, 0.26894142136999512,
                                            4.248354255291589e-18}));
  EXPECT_THAT(SlopesOf("sigmoid {}", Vector({0, 1, -40})),
              Pointwise(DoubleEq(), Numbers{0.25, 0.19661193324148185, 4.248354255291589e-18}));
}

TEST(SigmoidTest, IsRightInBothTails) {
  EXPECT_THAT(ValuesOf("sigmoid {}", {Vector({800, -800, 1e308, -1e308})}),
              ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(SlopesOf("sigmoid {}", Vector({800, -800, 1e308, -1e308})), Each(0));
}

TEST(TanhTest, KnownValues) {
  EXPECT_THAT(
      ValuesOf("tanh {}", {Vector({0, 0.5, -0.5, 1e-20, 800, -800})}),
      Pointwise(DoubleEq(), Numbers{0, 0.46211715726000976, -0.46211715726000976, 1e-20, 1, -1}));
  EXPECT_THAT(SlopesOf("tanh {}", Vector({0, 0.5, -0.5, 800, -800})),
              Pointwise(DoubleEq(), Numbers{1, 0.78644773296592741, 0.78644773296592741, 0, 0}));
}

TEST(ReluTest, HasSlopeZeroAtTheKink) {
  const Tensor<double> z = Vector({-3, -0.0, 0, 1e-300, 2});
  EXPECT_THAT(ValuesOf("relu {}", {z}), ElementsAre(0, 0, 0, 1e-300, 2));
  EXPECT_THAT(SlopesOf("relu {}", z), ElementsAre(0, 0, 0, 1, 1));
}

TEST(SoftmaxTest, KnownValues) {
  EXPECT_THAT(ValuesOf("softmax {}", {Vector({1, 2, 3})}),
              Pointwise(DoubleEq(),
                        Numbers{0.090030573170380458, 0.24472847105479765, 0.66524095577482189}));
  EXPECT_THAT(ValuesOf("log_softmax {}", {Vector({1, 2, 3})}),
              Pointwise(DoubleEq(),
                        Numbers{-2.4076059644443803, -1.4076059644443803, -0.4076059644443803}));
  // Two classes, p = 1/2 each: the gradient of a_0 is p (1 - p), -p p.
  EXPECT_THAT(GradientOf("softmax {}", {Vector({7, 7})}, 0, {1, 0}), ElementsAre(0.25, -0.25));
  EXPECT_THAT(GradientOf("log_softmax {}", {Vector({7, 7})}, 0, {1, 0}), ElementsAre(0.5, -0.5));
}

TEST(SoftmaxTest, TakesTheAxis) {
  const Tensor<double> z = Matrix(2, {0, 0, 0, 1000});
  EXPECT_THAT(ValuesOf("softmax {}", {z}), ElementsAre(0.5, 0.5, 0, 1));
  EXPECT_THAT(ValuesOf("softmax { axis: 0 }", {z}), ElementsAre(0.5, 0, 0.5, 1));
}

TEST(SoftmaxTest, HugeLogitsNeitherOverflowNorVanish) {
  const Tensor<double> z = Vector({1000, -1000, 1000});
  EXPECT_THAT(ValuesOf("softmax {}", {z}), ElementsAre(0.5, 0, 0.5));
  EXPECT_THAT(GradientOf("softmax {}", {z}, 0, {1, 5, 0}), ElementsAre(0.25, 0, -0.25));
  EXPECT_THAT(ValuesOf("log_softmax {}", {z}),
              Pointwise(DoubleEq(), Numbers{-kLog2, -2000 - kLog2, -kLog2}));
  EXPECT_THAT(GradientOf("log_softmax {}", {z}, 0, {1, 1, 0}),
              Pointwise(DoubleEq(), Numbers{0, 1, -1}));
  // All far below zero: without the shift every exponential is 0.
  EXPECT_THAT(ValuesOf("softmax {}", {Vector({-1000, -1000})}), ElementsAre(0.5, 0.5));
}

// A client pins an output to ask "what if"; the backward pass has to follow it, not the operands.
TEST(PinnedOutputTest, IsWhatTheBackwardPassReads) {
  const auto slope = [](const std::string& op, double output) {
    return Slope(FromText<v1::Node>(op), {Vector({0.1})}, Vector({output})).values();
  };
  EXPECT_THAT(slope("sigmoid {}", 0.25), ElementsAre(0.1875));
  EXPECT_THAT(slope("tanh {}", 0.5), ElementsAre(0.75));
  EXPECT_THAT(slope("relu {}", 0), ElementsAre(1)) << "reads the pre-activation";

  const auto gradient = [](const std::string& op, Numbers output) {
    return InputGradient(FromText<v1::Node>(op), {Vector({0.1, 0.2})}, Vector(std::move(output)),
                         Vector({1, 0}), 0)
        .values();
  };
  EXPECT_THAT(gradient("softmax {}", {0.25, 0.75}), ElementsAre(0.1875, -0.1875));
  EXPECT_THAT(gradient("log_softmax {}", {0, -kLog2}), Pointwise(DoubleEq(), Numbers{0, -0.5}));
}

// Reductions

TEST(ReductionTest, OfALossPerElement) {
  const Operands batch = {Matrix(2, {1, 2, 3, 4}), Matrix(2, {0, 0, 0, 0})};
  const auto value = [&](const std::string& reduction) {
    return ValuesOf("squared_error { reduction: REDUCTION_" + reduction + " }", batch);
  };
  const auto gradient = [&](const std::string& reduction, int position) {
    return GradientOf("squared_error { reduction: REDUCTION_" + reduction + " }", batch, position);
  };
  EXPECT_THAT(value("SUM"), ElementsAre(30));
  EXPECT_THAT(value("MEAN"), ElementsAre(7.5));
  EXPECT_THAT(value("BATCH_MEAN"), ElementsAre(15));
  EXPECT_THAT(value("NONE"), ElementsAre(1, 4, 9, 16));
  EXPECT_THAT(gradient("SUM", 0), ElementsAre(2, 4, 6, 8));
  EXPECT_THAT(gradient("MEAN", 0), ElementsAre(0.5, 1, 1.5, 2));
  EXPECT_THAT(gradient("BATCH_MEAN", 0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(gradient("BATCH_MEAN", 1), ElementsAre(-1, -2, -3, -4));
}

TEST(ReductionTest, ASingleExampleIsABatchOfOne) {
  const Operands vector = {Vector({1, 2, 3}), Vector({0, 0, 0})};
  EXPECT_THAT(ValuesOf("squared_error { reduction: REDUCTION_BATCH_MEAN }", vector),
              ElementsAre(14));
  EXPECT_THAT(ValuesOf("half_squared_error { reduction: REDUCTION_BATCH_MEAN }", vector),
              ElementsAre(7));
  EXPECT_THAT(ValuesOf("squared_error { reduction: REDUCTION_BATCH_MEAN }", {Scalar(3), Scalar(1)}),
              ElementsAre(4));
}

// Terms are examples: 2 sequences of 3 examples are 6 terms, and a batch of 2.
TEST(ReductionTest, OfALossPerExample) {
  const Tensor<double> z(Shape{2, 3, 2}, Numbers(12, 5));
  const Operands operands = {z, Matrix(2, {0, 1, 0, 1, 0, 1})};
  const auto value = [&](const std::string& reduction) {
    return ValuesOf("cross_entropy_with_logits { reduction: REDUCTION_" + reduction + " }",
                    operands);
  };
  EXPECT_THAT(value("SUM"), Pointwise(DoubleEq(), Numbers{6 * kLog2}));
  EXPECT_THAT(value("MEAN"), Pointwise(DoubleEq(), Numbers{kLog2}));
  EXPECT_THAT(value("BATCH_MEAN"), Pointwise(DoubleEq(), Numbers{3 * kLog2}));
  EXPECT_THAT(value("NONE"), Pointwise(DoubleEq(), Numbers(6, kLog2)));
}

// Cross entropies

constexpr char kCrossEntropy[] = "cross_entropy { reduction: REDUCTION_SUM }";

TEST(CrossEntropyTest, KnownValues) {
  const Tensor<double> p = Vector({0.25, 0.5, 0.25});
  EXPECT_THAT(ValuesOf(kCrossEntropy, {p, Scalar(1)}), Pointwise(DoubleEq(), Numbers{kLog2}));
  EXPECT_THAT(GradientOf(kCrossEntropy, {p, Scalar(1)}, 0), ElementsAre(0, -2, 0));
  const Tensor<double> soft = Vector({0.5, 0.5, 0});
  EXPECT_THAT(ValuesOf(kCrossEntropy, {p, soft}), Pointwise(DoubleEq(), Numbers{1.5 * kLog2}));
  EXPECT_THAT(GradientOf(kCrossEntropy, {p, soft}, 0), ElementsAre(-2, -1, 0));
  EXPECT_THAT(GradientOf(kCrossEntropy, {p, soft}, 1),
              Pointwise(DoubleEq(), Numbers{2 * kLog2, kLog2, 2 * kLog2}));
}

TEST(CrossEntropyTest, AClassWithoutWeightAddsNothingEvenWithoutProbability) {
  for (const Tensor<double>& target : {Vector({0, 1}), Scalar(1)}) {
    const Operands operands = {Vector({0, 1}), target};
    EXPECT_THAT(ValuesOf(kCrossEntropy, operands), ElementsAre(0));
    EXPECT_THAT(GradientOf(kCrossEntropy, operands, 0), ElementsAre(0, -1));
  }
}

TEST(CrossEntropyTest, IsInfiniteForAnImpossibleTruth) {
  const Operands operands = {Vector({0, 1}), Scalar(0)};
  EXPECT_THAT(ValuesOf(kCrossEntropy, operands), ElementsAre(kInfinity));
  EXPECT_THAT(GradientOf(kCrossEntropy, operands, 0), ElementsAre(-kInfinity, 0));
}

constexpr char kWithLogits[] = "cross_entropy_with_logits { reduction: REDUCTION_SUM }";

TEST(CrossEntropyWithLogitsTest, HugeLogitsGiveFiniteRightNumbers) {
  const Tensor<double> z = Vector({1000, 0, -1000});
  const struct {
    Tensor<double> target;
    double loss;
    Numbers gradient;
  } kCases[] = {
      {Scalar(0), 0, {0, 0, 0}},
      {Scalar(2), 2000, {1, 0, -1}},
      {Vector({1, 0, 0}), 0, {0, 0, 0}},
      {Vector({0, 0, 1}), 2000, {1, 0, -1}},
      {Vector({0.5, 0.25, 0.25}), 750, {0.5, -0.25, -0.25}},
      {Vector({1, 1, 0}), 1000, {1, -1, 0}},  // adds up to 2
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(ValuesOf(kWithLogits, {z, c.target}), ElementsAre(c.loss));
    EXPECT_THAT(GradientOf(kWithLogits, {z, c.target}, 0), Pointwise(DoubleEq(), c.gradient));
  }
}

// p - 1 computed as such is 0 here.
TEST(CrossEntropyWithLogitsTest, GradientKeepsItsDigitsWhereTheAnswerIsSure) {
  const double p = 4.248354255291589e-18;
  EXPECT_THAT(GradientOf(kWithLogits, {Vector({40, 0}), Scalar(0)}, 0),
              Pointwise(DoubleEq(), Numbers{-p, p}));
}

// The same rule as for probabilities. The distance of these logits overflows.
TEST(CrossEntropyWithLogitsTest, LossAndSoftGradientKeepTheirDigitsToo) {
  const double p = 4.248354255291589e-18;
  EXPECT_THAT(ValuesOf(kWithLogits, {Vector({40, 0}), Scalar(0)}), ElementsAre(DoubleEq(p)));
  EXPECT_THAT(GradientOf(kWithLogits, {Vector({40, 0}), Vector({1, 0})}, 0),
              ElementsAre(DoubleEq(-p), DoubleEq(p)));
}

TEST(CrossEntropyWithLogitsTest, AClassWithoutWeightAddsNothing) {
  EXPECT_THAT(ValuesOf(kWithLogits, {Vector({1e308, -1e308}), Vector({1, 0})}), ElementsAre(0));
  EXPECT_THAT(ValuesOf(kWithLogits, {Vector({1e308, -1e308}), Scalar(0)}), ElementsAre(0));
}

TEST(CrossEntropyWithLogitsTest, ASureAnswerHasLossZeroWithoutASign) {
  const Numbers loss = ValuesOf("cross_entropy_with_logits { reduction: REDUCTION_NONE }",
                                {Vector({1000, 0}), Scalar(0)});
  EXPECT_TRUE(IsPositiveZero(loss[0])) << loss[0];
}

constexpr char kBinary[] = "binary_cross_entropy { reduction: REDUCTION_NONE }";

TEST(BinaryCrossEntropyTest, KnownValues) {
  const Operands operands = {Vector({0.25, 0.25, 0.25}), Vector({1, 0, 0.5})};
  EXPECT_THAT(
      ValuesOf(kBinary, operands),
      Pointwise(DoubleEq(), Numbers{1.3862943611198906, 0.28768207245178093, 0.83698821678583577}));
  EXPECT_THAT(GradientOf(kBinary, operands, 0),
              Pointwise(DoubleEq(), Numbers{-4, 1 / 0.75, -2 + 0.5 / 0.75}));
}

TEST(BinaryCrossEntropyTest, IsZeroWhereTheAnswerIsRightAndSure) {
  const Operands operands = {Vector({0, 1}), Vector({0, 1})};
  EXPECT_THAT(ValuesOf(kBinary, operands), ElementsAre(0, 0));
  EXPECT_THAT(GradientOf(kBinary, operands, 0), ElementsAre(1, -1));
}

TEST(BinaryCrossEntropyTest, IsInfiniteWhereTheAnswerIsWrongAndSure) {
  EXPECT_THAT(ValuesOf(kBinary, {Vector({0, 1}), Vector({1, 0})}),
              ElementsAre(kInfinity, kInfinity));
}

TEST(BinaryCrossEntropyTest, KeepsTheDigitsOfSmallProbabilities) {
  EXPECT_THAT(ValuesOf(kBinary, {Vector({1e-20}), Vector({0})}),
              Pointwise(DoubleEq(), Numbers{1e-20}));
}

constexpr char kBinaryWithLogits[] =
    "binary_cross_entropy_with_logits { reduction: REDUCTION_NONE }";

TEST(BinaryCrossEntropyWithLogitsTest, KnownValues) {
  const Operands operands = {Vector({2, 0}), Vector({0.25, 1})};
  EXPECT_THAT(ValuesOf(kBinaryWithLogits, operands),
              Pointwise(DoubleEq(), Numbers{1.6269280110429725, kLog2}));
  EXPECT_THAT(GradientOf(kBinaryWithLogits, operands, 0),
              Pointwise(DoubleEq(), Numbers{0.63079707797788244, -0.5}));
  EXPECT_THAT(GradientOf(kBinaryWithLogits, operands, 1), ElementsAre(-2, 0));
}

TEST(BinaryCrossEntropyWithLogitsTest, HugeLogitsGiveFiniteRightNumbers) {
  const Operands operands = {Vector({800, 800, -800, -800, 800}), Vector({0, 1, 0, 1, 0.5})};
  EXPECT_THAT(ValuesOf(kBinaryWithLogits, operands), ElementsAre(800, 0, 0, 800, 400));
  EXPECT_THAT(GradientOf(kBinaryWithLogits, operands, 0), ElementsAre(1, 0, 0, -1, 0.5));
}

// s - t computed as such is 0 at the first of these.
TEST(BinaryCrossEntropyWithLogitsTest, KeepsItsDigitsWhereTheAnswerIsSure) {
  const double s = 4.248354255291589e-18;
  const Operands operands = {Vector({40, -40}), Vector({1, 0})};
  EXPECT_THAT(GradientOf(kBinaryWithLogits, operands, 0), Pointwise(DoubleEq(), Numbers{-s, s}));
  EXPECT_THAT(ValuesOf(kBinaryWithLogits, operands), Pointwise(DoubleEq(), Numbers{s, s}));
}

// What the engine asks besides

TEST(IndexOperandTest, IsTheTargetIfItHasOneAxisLess) {
  const v1::Node node = FromText<v1::Node>(kCrossEntropy);
  const auto find = [&](const std::vector<Shape>& shapes) {
    return OpOfNode(node).index_operand({node, shapes});
  };
  const auto index = find({{4, 3}, {4}});
  ASSERT_TRUE(index.has_value());
  EXPECT_EQ(index->position, 1);
  EXPECT_EQ(index->count, 3);
  EXPECT_FALSE(find({{4, 3}, {4, 3}}).has_value());
}

TEST(FlopsTest, CountsTwoPerMultiplication) {
  const auto flops = [](const std::string& op, const std::vector<Shape>& shapes) {
    const v1::Node node = FromText<v1::Node>(op);
    return OpOfNode(node).flops({node, shapes}, *InferShape(node, shapes));
  };
  EXPECT_EQ(flops("dense {}", {{4, 3}, {5, 3}}), 2 * 4 * 3 * 5);
  EXPECT_EQ(flops("mat_mul {}", {{2, 4, 3}, {3, 5}}), 2 * 2 * 4 * 3 * 5);
  EXPECT_EQ(flops("mat_mul { transpose_a: true }", {{3, 4}, {3, 5}}), 2 * 4 * 3 * 5);
}

}  // namespace
}  // namespace gradus::testing
