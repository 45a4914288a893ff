#include <array>

#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/kernels/strided_cursor.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Transpose : OpBase {
  static constexpr auto kCase = v1::Node::kTranspose;
  static constexpr std::string_view kFormula = "y = x with axis i taken from axis perm[i] of x";
  static constexpr std::string_view kVjp = "grad(x) = u with its axes put back";
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& x = call.operands[0];
    const auto& perm = call.node.transpose().perm();
    if (!perm.empty() && perm.size() != x.rank()) {
      return FieldError(
          "transpose.perm", Reason::kInvalidValue,
          fmt::format("{} listed for the axes of input (shape {})", perm.size(), x.ToString()));
    }
    std::array<bool, Shape::kMaxRank> seen = {};
    for (int i = 0; i < perm.size(); ++i) {
      const std::string element = fmt::format("transpose.perm[{}]", i);
      if (perm[i] < 0 || perm[i] >= x.rank()) {
        return FieldError(
            element, Reason::kInvalidValue,
            fmt::format("axis {} is out of range, input has axes 0 to {}", perm[i], x.rank() - 1));
      }
      bool& is_listed = seen[static_cast<size_t>(perm[i])];
      if (is_listed) {
        return FieldError(element, Reason::kInvalidValue,
                          fmt::format("axis {} is listed twice", perm[i]));
      }
      is_listed = true;
    }
    Shape output;
    for (int axis = 0; axis < x.rank(); ++axis) output.Append(x[Source(call.node, x, axis)]);
    return output;
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    StridedCursor at_x = WalkInput(call.node, call[0].shape(), output.shape());
    ForEachIndex(output.size(), [&](int64_t i) {
      output[i] = call[0][at_x.position()];
      at_x.Next();
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    StridedCursor at_x = WalkInput(call.node, gradient.shape(), call.upstream.shape());
    ForEachIndex(gradient.size(), [&](int64_t i) {
      gradient[at_x.position()] += call.upstream[i];
      at_x.Next();
    });
  }

 private:
  // The axis of x that becomes `axis` of the output.
  static int Source(const v1::Node& node, const Shape& x, int axis) {
    const auto& perm = node.transpose().perm();
    return perm.empty() ? x.rank() - 1 - axis : perm[axis];
  }

  // Positions in x, in the order of the output.
  static StridedCursor WalkInput(const v1::Node& node, const Shape& x, const Shape& output) {
    const Strides strides = RowMajorStrides(x);
    Strides permuted = {};
    for (int axis = 0; axis < x.rank(); ++axis) {
      permuted[static_cast<size_t>(axis)] = strides[static_cast<size_t>(Source(node, x, axis))];
    }
    return {output, permuted};
  }
};

}  // namespace

const Op& TransposeOp() { return OpOf<Transpose>(); }

}  // namespace gradus
