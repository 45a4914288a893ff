#include "fmt/format.h"
#include "server/kernels/axis_range.h"
#include "server/ops/axes.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Slice : OpBase {
  static constexpr auto kCase = v1::Node::kSlice;
  static constexpr std::string_view kFormula =
      "y = the elements start, start + step, ... before stop of the axis of x";
  static constexpr std::string_view kVjp = "grad(x) = u where y was taken from, else 0";
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const absl::StatusOr<AxisRange> range = FindRange(call.node, call.operands[0]);
    if (!range.ok()) return range.status();
    Shape output = call.operands[0];
    output[range->axis] = range->count;
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 4.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& x = call[0];
    ForEachInRange(x.shape(), *FindRange(call.node, x.shape()),
                   [&](int64_t at_x, int64_t at_output) { output[at_output] = x[at_x]; });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    ForEachInRange(gradient.shape(), *FindRange(call.node, gradient.shape()),
                   [&](int64_t at_gradient, int64_t at_upstream) {
                     gradient[at_gradient] += call.upstream[at_upstream];
                   });
  }

 private:
  static absl::StatusOr<AxisRange> FindRange(const v1::Node& node, const Shape& x) {
    const v1::Slice& attributes = node.slice();
    const absl::StatusOr<int> axis = NormalizeAxis(attributes.axis(), x.rank(), "slice.axis");
    if (!axis.ok()) return axis.status();
    const int64_t length = x[*axis];
    const int64_t start = attributes.start();
    const int64_t stop = attributes.has_stop() ? attributes.stop() : length;
    const int64_t step = attributes.has_step() ? attributes.step() : 1;
    if (start < 0 || start >= length) {
      return FieldError(
          "slice.start", Reason::kInvalidValue,
          fmt::format("{} is out of range, axis {} has indices 0 to {}", start, *axis, length - 1));
    }
    if (stop <= start || stop > length) {
      return FieldError("slice.stop", Reason::kInvalidValue,
                        fmt::format("{} is out of range, from start {} in axis {} it is {} to {}",
                                    stop, start, *axis, start + 1, length));
    }
    if (step < 1) {
      return FieldError("slice.step", Reason::kInvalidValue,
                        fmt::format("{} is not 1 or more", step));
    }
    return AxisRange{*axis, start, (stop - start - 1) / step + 1, step};
  }
};

}  // namespace

const Op& SliceOp() { return OpOf<Slice>(); }

}  // namespace gradus
