#include "fmt/format.h"
#include "server/kernels/broadcast.h"
#include "server/kernels/matmul.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// The leading axes of the input count as one. A bias of one number is shared by all units, so its
// gradient is the sum over the units too.
struct Dense : OpBase {
  static constexpr auto kCase = v1::Node::kDense;
  static constexpr std::string_view kFormula = "y = input weight' + bias";
  static constexpr std::string_view kVjp =
      "grad(input) = u weight, grad(weight) = u' input, grad(bias) = u summed over what it was "
      "broadcast to";
  static constexpr std::string_view kOperands[] = {"input", "weight", "bias"};
  static constexpr int kOptionalOperands = 1;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& x = call.operands[0];
    const Shape& w = call.operands[1];
    if (w.rank() != 2) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("weight has shape {}, expected [out, in]", w.ToString()));
    }
    if (x.rank() == 0) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("input is a scalar, weight expects {} features (shape {})",
                                    w[1], w.ToString()));
    }
    if (x.back() != w[1]) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("input has {} features, weight expects {} (shape {})", x.back(),
                                    w[1], w.ToString()));
    }
    const Shape bias = call.operands.size() > 2 ? call.operands[2] : Shape{1};
    if (bias != Shape{w[0]} && bias != Shape{1}) {
      return FieldError(
          "", Reason::kShapeMismatch,
          fmt::format("bias has shape {}, expected [{}], one per unit, or [1], shared by all",
                      bias.ToString(), w[0]));
    }
    Shape output = x;
    output[x.rank() - 1] = w[0];
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape& output) {
    return 2.0 * static_cast<double>(output.element_count()) *
           static_cast<double>(call.operands[1][1]);
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    if (call.operand_count() > 2) BroadcastCopy(call[2], output);
    MatMulAdd(Rows(call[0]), Rows(call[1]).Transposed(), output.data());
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const MatrixView<T> upstream = Rows(call.upstream);
    switch (position) {
      case 0:
        MatMulAdd(upstream, Rows(call[1]), gradient.data());
        break;
      case 1:
        MatMulAdd(upstream.Transposed(), Rows(call[0]), gradient.data());
        break;
      default:
        BroadcastSumAdd(call.upstream.shape(), gradient.shape(), gradient.data(),
                        [&](int64_t i) { return call.upstream[i]; });
    }
  }

 private:
  // The tensor as a matrix whose rows are its last axis.
  template <class T>
  static MatrixView<T> Rows(const Tensor<T>& x) {
    const int64_t columns = x.shape().back();
    return MatrixView<T>::RowMajor(x.data(), x.size() / columns, columns);
  }
};

}  // namespace

const Op& DenseOp() { return OpOf<Dense>(); }

}  // namespace gradus
