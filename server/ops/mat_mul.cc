#include <algorithm>

#include "fmt/format.h"
#include "server/kernels/broadcast.h"
#include "server/kernels/interruption.h"
#include "server/kernels/matmul.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// One operand as a stack of matrices: rank 1 is a row on the left and a column on the right.
struct MatrixStack {
  Shape leading;  // axes before the matrix
  int64_t rows;   // as stored, before transposition
  int64_t columns;
  bool transpose;

  int64_t effective_rows() const { return transpose ? columns : rows; }
  int64_t effective_columns() const { return transpose ? rows : columns; }
  int64_t matrix_size() const { return rows * columns; }

  // The matrix at `position` of the stack, transposed if asked.
  template <class T>
  MatrixView<T> Matrix(const Tensor<T>& tensor, int64_t position) const {
    const auto view =
        MatrixView<T>::RowMajor(tensor.data() + position * matrix_size(), rows, columns);
    return transpose ? view.Transposed() : view;
  }
};

MatrixStack LeftStack(const v1::Node& node, const Shape& a) {
  if (a.rank() == 1) return {Shape(), 1, a[0], false};
  return {a.Slice(0, a.rank() - 2), a[a.rank() - 2], a.back(), node.mat_mul().transpose_a()};
}

MatrixStack RightStack(const v1::Node& node, const Shape& b) {
  if (b.rank() == 1) return {Shape(), b[0], 1, false};
  return {b.Slice(0, b.rank() - 2), b[b.rank() - 2], b.back(), node.mat_mul().transpose_b()};
}

// On the last two axes; leading axes broadcast.
struct MatMul : OpBase {
  static constexpr auto kCase = v1::Node::kMatMul;
  static constexpr std::string_view kFormula =
      "y = A B, A = a, or a' with transpose_a, B = b, or b' with transpose_b";
  static constexpr std::string_view kVjp =
      "grad(A) = u B', grad(B) = A' u, each summed over what it was broadcast to; grad(a) = "
      "grad(A), or grad(A)' with transpose_a, and the same for b";
  static constexpr std::string_view kOperands[] = {"a", "b"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& a = call.operands[0];
    const Shape& b = call.operands[1];
    const v1::MatMul& attributes = call.node.mat_mul();
    if (a.rank() == 0 || b.rank() == 0) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("operands have shapes {} and {}, a scalar is no matrix",
                                    a.ToString(), b.ToString()));
    }
    if (attributes.transpose_a() && a.rank() == 1) return NoMatrix("mat_mul.transpose_a", a);
    if (attributes.transpose_b() && b.rank() == 1) return NoMatrix("mat_mul.transpose_b", b);
    const MatrixStack left = LeftStack(call.node, a);
    const MatrixStack right = RightStack(call.node, b);
    if (left.effective_columns() != right.effective_rows()) {
      return FieldError(
          "", Reason::kShapeMismatch,
          fmt::format("a has {} columns (shape {}{}), b has {} rows (shape {}{})",
                      left.effective_columns(), a.ToString(), left.transpose ? ", transposed" : "",
                      right.effective_rows(), b.ToString(), right.transpose ? ", transposed" : ""));
    }
    const std::optional<Shape> leading = BroadcastShape(left.leading, right.leading);
    if (!leading.has_value()) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("leading axes of shapes {} and {} do not broadcast",
                                    a.ToString(), b.ToString()));
    }
    Shape output = *leading;
    if (a.rank() > 1) output.Append(left.effective_rows());
    if (b.rank() > 1) output.Append(right.effective_columns());
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape& output) {
    return 2.0 * static_cast<double>(output.element_count()) *
           static_cast<double>(LeftStack(call.node, call.operands[0]).effective_columns());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const MatrixStack left = LeftStack(call.node, call[0].shape());
    const MatrixStack right = RightStack(call.node, call[1].shape());
    ForEachPair(left, right, [&](int64_t i, int64_t at_left, int64_t at_right) {
      MatMulAdd(left.Matrix(call[0], at_left), right.Matrix(call[1], at_right),
                output.data() + i * left.effective_rows() * right.effective_columns());
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const MatrixStack left = LeftStack(call.node, call[0].shape());
    const MatrixStack right = RightStack(call.node, call[1].shape());
    const int64_t rows = left.effective_rows();
    const int64_t columns = right.effective_columns();
    ForEachPair(left, right, [&](int64_t i, int64_t at_left, int64_t at_right) {
      const auto upstream =
          MatrixView<T>::RowMajor(call.upstream.data() + i * rows * columns, rows, columns);
      // A transposed operand has the transposed gradient: (U B')' = B U'.
      if (position == 0) {
        const MatrixView<T> b = right.Matrix(call[1], at_right);
        T* const out = gradient.data() + at_left * left.matrix_size();
        if (left.transpose) {
          MatMulAdd(b, upstream.Transposed(), out);
        } else {
          MatMulAdd(upstream, b.Transposed(), out);
        }
      } else {
        const MatrixView<T> a = left.Matrix(call[0], at_left);
        T* const out = gradient.data() + at_right * right.matrix_size();
        if (right.transpose) {
          MatMulAdd(upstream.Transposed(), a, out);
        } else {
          MatMulAdd(a.Transposed(), upstream, out);
        }
      }
    });
  }

 private:
  static absl::Status NoMatrix(const char* field, const Shape& shape) {
    return FieldError(
        field, Reason::kShapeMismatch,
        fmt::format("only a matrix can be transposed, the operand has shape {}", shape.ToString()));
  }

  // Calls f(i, at_left, at_right) for matrix i of the output and the matrices that it is made of.
  template <class F>
  static void ForEachPair(const MatrixStack& left, const MatrixStack& right, F f) {
    const Shape leading = *BroadcastShape(left.leading, right.leading);
    BroadcastCursor at_left(left.leading, leading);
    BroadcastCursor at_right(right.leading, leading);
    ForEachIndex(leading.element_count(), [&](int64_t i) {
      f(i, at_left.position(), at_right.position());
      at_left.Next();
      at_right.Next();
    });
  }
};

}  // namespace

const Op& MatMulOp() { return OpOf<MatMul>(); }

}  // namespace gradus
