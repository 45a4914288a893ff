// Calls of one op with plain numbers, and what they give, for tests with numbers worked elsewhere.

#ifndef GRADUS_TESTS_OPS_CHECK_OP_H_
#define GRADUS_TESTS_OPS_CHECK_OP_H_

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

inline Tensor<double> Vector(Numbers values) {
  const Shape shape = {static_cast<int64_t>(values.size())};
  return {shape, std::move(values)};
}

inline Numbers ValuesOf(const std::string& op, const Operands& operands) {
  return Forward(FromText<v1::Node>(op), operands).values();
}

// An upstream gradient of 1, 2, 3 ..., so that no two outputs count the same.
inline Tensor<double> Counting(const Shape& shape) {
  Tensor<double> upstream(shape);
  for (int64_t i = 0; i < upstream.size(); ++i) upstream[i] = static_cast<double>(i + 1);
  return upstream;
}

// With the given upstream gradient; Counting if there is none.
inline Numbers GradientOf(const std::string& op, const Operands& operands, int position,
                          Numbers upstream_values = {}) {
  const v1::Node node = FromText<v1::Node>(op);
  const Tensor<double> output = Forward(node, operands);
  const Tensor<double> upstream = upstream_values.empty()
                                      ? Counting(output.shape())
                                      : Tensor<double>(output.shape(), std::move(upstream_values));
  return InputGradient(node, operands, output, upstream, position).values();
}

// The same with Counting, from the derivatives that the forward code carries along.
inline Numbers ForwardModeGradientOf(const std::string& op, const Operands& operands,
                                     int position) {
  std::vector<Tensor<Dual>> duals;
  for (const Tensor<double>& operand : operands) {
    Map(operand, duals.emplace_back(operand.shape()), [](double x) { return Dual(x); });
  }
  Numbers gradient;
  Tensor<Dual>& moving = duals[static_cast<size_t>(position)];
  for (int64_t i = 0; i < moving.size(); ++i) {
    const Dual constant = moving[i];
    moving[i] = Dual(constant.value(), 1);
    const Tensor<Dual> output = Forward(FromText<v1::Node>(op), duals);
    moving[i] = constant;
    double sum = 0;
    for (int64_t k = 0; k < output.size(); ++k) {
      sum += static_cast<double>(k + 1) * output[k].derivative();
    }
    gradient.push_back(sum);
  }
  return gradient;
}

inline void ExpectError(const v1::Node& node, const std::vector<Shape>& operands, Reason reason,
                        const std::string& message) {
  const auto shape = InferShape(node, operands);
  ASSERT_FALSE(shape.ok()) << shape->ToString();
  EXPECT_EQ(shape.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(shape.status().message()), message);
  const auto violation = GetFieldViolation(shape.status());
  ASSERT_TRUE(violation.has_value());
  EXPECT_EQ(ReasonName(violation->reason), ReasonName(reason));
}

inline void ExpectError(const std::string& op, const std::vector<Shape>& operands, Reason reason,
                        const std::string& message) {
  ExpectError(FromText<v1::Node>(op), operands, reason, message);
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_OPS_CHECK_OP_H_
