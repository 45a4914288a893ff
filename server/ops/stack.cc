#include "fmt/format.h"
#include "server/kernels/axis_range.h"
#include "server/ops/op.h"
#include "server/ops/shape_attribute.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Stack : OpBase {
  static constexpr auto kCase = v1::Node::kStack;
  static constexpr std::string_view kFormula = "y = the operands, side by side on a new axis";
  static constexpr std::string_view kVjp = "grad of each = its part of u";
  static constexpr std::string_view kOperands[] = {"input"};
  static constexpr bool kVariadic = true;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& first = call.operands[0];
    const int rank = first.rank() + 1;
    const int axis = call.node.stack().axis();
    if (absl::Status s = CheckOutputRank(rank, ""); !s.ok()) return s;
    if (axis < -rank || axis >= rank) {
      return FieldError("stack.axis", Reason::kInvalidValue,
                        fmt::format("axis {} is out of range, the output has axes {} to {}", axis,
                                    -rank, rank - 1));
    }
    for (size_t i = 1; i < call.operands.size(); ++i) {
      if (call.operands[i] != first) {
        return FieldError("", Reason::kShapeMismatch,
                          fmt::format("operand {} has shape {}, operand 0 has shape {}", i,
                                      call.operands[i].ToString(), first.ToString()));
      }
    }
    const int before = NewAxis(call.node, rank);
    Shape output = first.Slice(0, before);
    output.Append(static_cast<int64_t>(call.operands.size()));
    for (int i = before; i < first.rank(); ++i) output.Append(first[i]);
    return output;
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const int axis = NewAxis(call.node, output.shape().rank());
    for (int i = 0; i < call.operand_count(); ++i) {
      const Tensor<T>& operand = call[i];
      ForEachInRange(output.shape(), {axis, i, 1}, [&](int64_t at_output, int64_t at_operand) {
        output[at_output] = operand[at_operand];
      });
    }
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Shape& whole = call.upstream.shape();
    const AxisRange range = {NewAxis(call.node, whole.rank()), position, 1};
    ForEachInRange(whole, range, [&](int64_t at_upstream, int64_t at_gradient) {
      gradient[at_gradient] += call.upstream[at_upstream];
    });
  }

 private:
  // `rank` is that of the output.
  static int NewAxis(const v1::Node& node, int rank) {
    const int axis = node.stack().axis();
    return axis < 0 ? axis + rank : axis;
  }
};

}  // namespace

const Op& StackOp() { return OpOf<Stack>(); }

}  // namespace gradus
