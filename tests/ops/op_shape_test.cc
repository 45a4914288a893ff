// Every way in which attributes and operands do not fit, with the text that the client sees.
#include <string>

#include "gtest/gtest.h"

#include "tests/ops/check_op.h"

namespace gradus::testing {
namespace {

TEST(DenseShapeTest, WeightIsNoMatrix) {
  ExpectError("dense {}", {{3}, {3}}, Reason::kShapeMismatch,
              "weight has shape [3], expected [out, in]");
  ExpectError("dense {}", {{3}, {1, 2, 3}}, Reason::kShapeMismatch,
              "weight has shape [1, 2, 3], expected [out, in]");
}

TEST(DenseShapeTest, InputIsAScalar) {
  ExpectError("dense {}", {{}, {2, 3}}, Reason::kShapeMismatch,
              "input is a scalar, weight expects 3 features (shape [2, 3])");
}

TEST(DenseShapeTest, FeaturesDoNotMatch) {
  ExpectError("dense {}", {{4, 2}, {2, 3}}, Reason::kShapeMismatch,
              "input has 2 features, weight expects 3 (shape [2, 3])");
}

TEST(DenseShapeTest, BiasFitsNoUnit) {
  for (const Shape& bias : {Shape{3}, Shape{}, Shape{1, 2}}) {
    ExpectError("dense {}", {{3}, {2, 3}, bias}, Reason::kShapeMismatch,
                "bias has shape " + bias.ToString() +
                    ", expected [2], one per unit, or [1], shared by all");
  }
}

TEST(ElementwiseShapeTest, ShapesDoNotBroadcast) {
  for (const char* op : {"add {}", "subtract {}", "multiply {}"}) {
    ExpectError(op, {{2, 3}, {2}}, Reason::kShapeMismatch,
                "shapes [2, 3] and [2] do not broadcast");
  }
}

TEST(ElementwiseShapeTest, TheThirdOperandDoesNotBroadcast) {
  ExpectError("add {}", {{2, 1}, {3}, {4}}, Reason::kShapeMismatch,
              "shapes [2, 3] and [4] do not broadcast");
}

TEST(ScaleShapeTest, FactorIsNotFinite) {
  ExpectError("scale { factor: inf }", {{2}}, Reason::kInvalidValue,
              "scale.factor: inf is not finite");
  ExpectError("scale { factor: nan }", {{2}}, Reason::kInvalidValue,
              "scale.factor: nan is not finite");
}

TEST(MatMulShapeTest, AScalarIsNoMatrix) {
  ExpectError("mat_mul {}", {{}, {2, 3}}, Reason::kShapeMismatch,
              "operands have shapes [] and [2, 3], a scalar is no matrix");
  ExpectError("mat_mul {}", {{3}, {}}, Reason::kShapeMismatch,
              "operands have shapes [3] and [], a scalar is no matrix");
}

TEST(MatMulShapeTest, AVectorCannotBeTransposed) {
  ExpectError("mat_mul { transpose_a: true }", {{3}, {3, 2}}, Reason::kShapeMismatch,
              "mat_mul.transpose_a: only a matrix can be transposed, the operand has shape [3]");
  ExpectError("mat_mul { transpose_b: true }", {{2, 3}, {3}}, Reason::kShapeMismatch,
              "mat_mul.transpose_b: only a matrix can be transposed, the operand has shape [3]");
}

TEST(MatMulShapeTest, LengthsDoNotMatch) {
  ExpectError("mat_mul {}", {{2, 3}, {4, 5}}, Reason::kShapeMismatch,
              "a has 3 columns (shape [2, 3]), b has 4 rows (shape [4, 5])");
  ExpectError("mat_mul { transpose_a: true }", {{2, 3}, {4, 5}}, Reason::kShapeMismatch,
              "a has 2 columns (shape [2, 3], transposed), b has 4 rows (shape [4, 5])");
  ExpectError("mat_mul { transpose_b: true }", {{2, 3}, {4, 5}}, Reason::kShapeMismatch,
              "a has 3 columns (shape [2, 3]), b has 5 rows (shape [4, 5], transposed)");
  ExpectError("mat_mul {}", {{2}, {3}}, Reason::kShapeMismatch,
              "a has 2 columns (shape [2]), b has 3 rows (shape [3])");
}

TEST(MatMulShapeTest, LeadingAxesDoNotBroadcast) {
  ExpectError("mat_mul {}", {{2, 4, 3}, {5, 3, 4}}, Reason::kShapeMismatch,
              "leading axes of shapes [2, 4, 3] and [5, 3, 4] do not broadcast");
}

TEST(AxesShapeTest, AxisIsOutOfRange) {
  for (const std::string op : {"sum", "mean"}) {
    ExpectError(op + " { axes: [ 0, 2 ] }", {{2, 3}}, Reason::kInvalidValue,
                op + ".axes[1]: axis 2 is out of range, the operand has axes -2 to 1");
    ExpectError(op + " { axes: -3 }", {{2, 3}}, Reason::kInvalidValue,
                op + ".axes[0]: axis -3 is out of range, the operand has axes -2 to 1");
    ExpectError(op + " { axes: -2147483648 }", {{2, 3}}, Reason::kInvalidValue,
                op + ".axes[0]: axis -2147483648 is out of range, the operand has axes -2 to 1");
  }
}

TEST(AxesShapeTest, AxisIsListedTwice) {
  for (const std::string op : {"sum", "mean"}) {
    ExpectError(op + " { axes: [ 1, -1 ] }", {{2, 3}}, Reason::kInvalidValue,
                op + ".axes[1]: axis 1 is listed twice");
  }
}

TEST(AxesShapeTest, AScalarHasNoAxes) {
  ExpectError("sum { axes: 0 }", {{}}, Reason::kInvalidValue,
              "sum.axes[0]: axis 0 does not exist, the operand is a scalar");
}

TEST(SoftmaxShapeTest, AxisIsOutOfRange) {
  for (const std::string op : {"softmax", "log_softmax"}) {
    ExpectError(op + " { axis: 2 }", {{2, 3}}, Reason::kInvalidValue,
                op + ".axis: axis 2 is out of range, the operand has axes -2 to 1");
    ExpectError(op + " { axis: -3 }", {{2, 3}}, Reason::kInvalidValue,
                op + ".axis: axis -3 is out of range, the operand has axes -2 to 1");
  }
}

TEST(SoftmaxShapeTest, AScalarHasNoAxis) {
  for (const std::string op : {"softmax", "log_softmax"}) {
    ExpectError(op + " {}", {{}}, Reason::kInvalidValue,
                op + ".axis: axis -1 does not exist, the operand is a scalar");
  }
}

const char* const kElementwiseLosses[] = {"half_squared_error",
                                          "squared_error",
                                          "binary_cross_entropy",
                                          "binary_cross_entropy_with_logits",
                                          "absolute_error",
                                          "huber",
                                          "smooth_l1",
                                          "binary_hinge",
                                          "kl_divergence"};
const char* const kClassLosses[] = {"cross_entropy", "cross_entropy_with_logits"};

TEST(LossShapeTest, PredictionAndTargetDiffer) {
  for (const std::string op : kElementwiseLosses) {
    // They would broadcast; a loss that did it silently would hide the commonest mistake with
    // targets.
    ExpectError(op + " { reduction: REDUCTION_SUM }", {{4, 1}, {4}}, Reason::kShapeMismatch,
                "prediction has shape [4, 1], target has shape [4]");
  }
}

TEST(LossShapeTest, ReductionIsUnset) {
  for (const std::string op : kElementwiseLosses) {
    ExpectError(op + " {}", {{3}, {3}}, Reason::kMissingField,
                op + ".reduction: unset; choose REDUCTION_SUM, REDUCTION_MEAN, "
                     "REDUCTION_BATCH_MEAN or REDUCTION_NONE");
  }
  for (const std::string op : kClassLosses) {
    ExpectError(op + " {}", {{3}, {}}, Reason::kMissingField,
                op + ".reduction: unset; choose REDUCTION_SUM, REDUCTION_MEAN, "
                     "REDUCTION_BATCH_MEAN or REDUCTION_NONE");
  }
}

// From a client with a newer contract.
TEST(LossShapeTest, ReductionIsUnknown) {
  v1::Node node;
  node.mutable_squared_error()->set_reduction(static_cast<v1::Reduction>(99));
  const auto shape = InferShape(node, {{3}, {3}});
  ASSERT_FALSE(shape.ok());
  EXPECT_EQ(std::string(shape.status().message()),
            "squared_error.reduction: 99 is unknown; choose REDUCTION_SUM, REDUCTION_MEAN, "
            "REDUCTION_BATCH_MEAN or REDUCTION_NONE");
}

TEST(ClassLossShapeTest, PredictionIsAScalar) {
  for (const std::string op : kClassLosses) {
    ExpectError(op + " { reduction: REDUCTION_SUM }", {{}, {}}, Reason::kShapeMismatch,
                "prediction is a scalar, it has no classes");
  }
}

TEST(ClassLossShapeTest, TargetIsNeitherIndicesNorSoftLabels) {
  for (const std::string op : kClassLosses) {
    ExpectError(op + " { reduction: REDUCTION_SUM }", {{4, 3}, {3}}, Reason::kShapeMismatch,
                "prediction has shape [4, 3], target has shape [3], expected class indices [4] or "
                "soft labels [4, 3]");
    ExpectError(op + " { reduction: REDUCTION_SUM }", {{4, 3}, {4, 1}}, Reason::kShapeMismatch,
                "prediction has shape [4, 3], target has shape [4, 1], expected class indices [4] "
                "or soft labels [4, 3]");
  }
}

}  // namespace
}  // namespace gradus::testing
