// Calls of one op with plain numbers, and what they give, for tests with numbers worked elsewhere.

#ifndef GRADUS_TESTS_OPS_CHECK_OP_H_
#define GRADUS_TESTS_OPS_CHECK_OP_H_

#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "server/kernels/map.h"
#include "server/status/field_error.h"
#include "tests/ops/run_op.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {

using Numbers = std::vector<double>;
using Operands = std::vector<Tensor<double>>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kLog2 = std::numbers::ln2;

inline Tensor<double> Scalar(double value) { return {Shape(), {value}}; }

inline Tensor<double> Vector(Numbers values) {
  const Shape shape = {static_cast<int64_t>(values.size())};
  return {shape, std::move(values)};
}

inline Tensor<double> Matrix(int64_t rows, Numbers values) {
  const Shape shape = {rows, static_cast<int64_t>(values.size()) / rows};
  return {shape, std::move(values)};
}

// A node, or the op in its text: "relu { slope_at_kink: 0.5 }".
class NodeOrText {
 public:
  NodeOrText(v1::Node node) : node_(std::move(node)) {}
  NodeOrText(const std::string& text) : node_(FromText<v1::Node>(text)) {}
  NodeOrText(const char* text) : NodeOrText(std::string(text)) {}

  const v1::Node& node() const { return node_; }

 private:
  v1::Node node_;
};

inline Numbers ValuesOf(const NodeOrText& op, const Operands& operands) {
  return Forward(op.node(), operands).values();
}

// Upstream gradients. The gradient of the sum of the outputs has 1 everywhere.
inline Tensor<double> Ones(const Shape& shape) {
  Tensor<double> upstream(shape);
  for (int64_t i = 0; i < upstream.size(); ++i) upstream[i] = 1;
  return upstream;
}
// 1, 2, 3 ..., so that no two outputs count the same.
inline Tensor<double> Counting(const Shape& shape) {
  Tensor<double> upstream(shape);
  for (int64_t i = 0; i < upstream.size(); ++i) upstream[i] = static_cast<double>(i + 1);
  return upstream;
}
using MakeUpstream = Tensor<double>(const Shape& shape);

inline Numbers GradientOf(const NodeOrText& op, const Operands& operands, int position = 0,
                          MakeUpstream* make_upstream = Ones) {
  const Tensor<double> output = Forward(op.node(), operands);
  return InputGradient(op.node(), operands, output, make_upstream(output.shape()), position)
      .values();
}

inline Numbers GradientOf(const NodeOrText& op, const Operands& operands, int position,
                          Numbers upstream_values) {
  const Tensor<double> output = Forward(op.node(), operands);
  const Tensor<double> upstream(output.shape(), std::move(upstream_values));
  return InputGradient(op.node(), operands, output, upstream, position).values();
}

// The same from the derivatives that the forward code carries along, and for which elements of the
// operand a kink was met on the way.
struct ForwardMode {
  Numbers gradient;
  std::vector<bool> at_kink;
};

inline ForwardMode ForwardModeOf(const NodeOrText& op, const Operands& operands, int position = 0,
                                 MakeUpstream* make_upstream = Ones) {
  std::vector<Tensor<Dual>> duals;
  for (const Tensor<double>& operand : operands) {
    Map(operand, duals.emplace_back(operand.shape()), [](double x) { return Dual(x); });
  }
  Tensor<Dual>& moving = duals[static_cast<size_t>(position)];
  ForwardMode result;
  for (int64_t i = 0; i < moving.size(); ++i) {
    const Dual constant = moving[i];
    moving[i] = Dual(constant.value(), 1);
    const Tensor<Dual> output = Forward(op.node(), duals);
    moving[i] = constant;
    const Tensor<double> upstream = make_upstream(output.shape());
    double derivative = 0;
    bool at_kink = false;
    for (int64_t k = 0; k < output.size(); ++k) {
      derivative += upstream[k] * output[k].derivative();
      at_kink = at_kink || output[k].at_kink();
    }
    result.gradient.push_back(derivative);
    result.at_kink.push_back(at_kink);
  }
  return result;
}

inline void ExpectError(const NodeOrText& op, const std::vector<Shape>& operands, Reason reason,
                        const std::string& message) {
  const auto shape = InferShape(op.node(), operands);
  ASSERT_FALSE(shape.ok()) << shape->ToString();
  EXPECT_EQ(shape.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(shape.status().message()), message);
  const auto violation = GetFieldViolation(shape.status());
  ASSERT_TRUE(violation.has_value());
  EXPECT_EQ(ReasonName(violation->reason), ReasonName(reason));
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_OPS_CHECK_OP_H_
