#include "fmt/format.h"
#include "server/kernels/axis_range.h"
#include "server/ops/axes.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Concat : OpBase {
  static constexpr auto kCase = v1::Node::kConcat;
  static constexpr std::string_view kFormula = "y = the operands, one behind the other on the axis";
  static constexpr std::string_view kVjp = "grad of each = its part of u";
  static constexpr std::string_view kOperands[] = {"input"};
  static constexpr bool kVariadic = true;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    Shape output = call.operands[0];
    const absl::StatusOr<int> axis =
        NormalizeAxis(call.node.concat().axis(), output.rank(), "concat.axis");
    if (!axis.ok()) return axis.status();
    for (size_t i = 1; i < call.operands.size(); ++i) {
      Shape expected = call.operands[i];
      if (expected.rank() == output.rank()) expected[*axis] = call.operands[0][*axis];
      if (expected != call.operands[0]) {
        return FieldError(
            "", Reason::kShapeMismatch,
            fmt::format("operand {} has shape {}, operand 0 has shape {}, they may "
                        "differ in axis {} only",
                        i, call.operands[i].ToString(), call.operands[0].ToString(), *axis));
      }
      output[*axis] += call.operands[i][*axis];
    }
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape& output) {
    // The gradient of each operand looks at all before it.
    const auto operands = static_cast<double>(call.operands.size());
    return OpBase::Flops(call, output) + operands * operands;
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    AxisRange range = FirstRange(call);
    for (const Tensor<T>* operand : call.operands) {
      range.count = operand->shape()[range.axis];
      ForEachInRange(output.shape(), range, [&](int64_t at_output, int64_t at_operand) {
        output[at_output] = (*operand)[at_operand];
      });
      range.start += range.count;
    }
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    AxisRange range = FirstRange(call);
    for (int i = 0; i < position; ++i) range.start += call[i].shape()[range.axis];
    range.count = gradient.shape()[range.axis];
    ForEachInRange(call.upstream.shape(), range, [&](int64_t at_upstream, int64_t at_gradient) {
      gradient[at_gradient] += call.upstream[at_upstream];
    });
  }

 private:
  // What the first operand is of the output.
  template <class T>
  static AxisRange FirstRange(const OpCall<T>& call) {
    const Shape& first = call[0].shape();
    const int axis = *NormalizeAxis(call.node.concat().axis(), first.rank(), "");
    return {axis, 0, first[axis]};
  }
};

}  // namespace

const Op& ConcatOp() { return OpOf<Concat>(); }

}  // namespace gradus
