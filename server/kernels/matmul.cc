#include "server/kernels/matmul.h"

#include "Eigen/Core"

namespace gradus {
namespace {

// Below this many multiplications, plain loops beat Eigen's set-up.
constexpr int64_t kSmall = 512;

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using RowMajorMap = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;

// Calls `use` with the view as an Eigen expression. One of the strides is 1 in every view that ops
// make, so the view is a row-major matrix or the transpose of one; telling Eigen so is what makes
// it fast.
template <class T, class Use>
void WithEigen(const MatrixView<T>& view, Use use) {
  if (view.column_stride == 1) {
    use(RowMajorMap<T>(view.data, view.rows, view.columns, Eigen::OuterStride<>(view.row_stride)));
  } else {
    use(RowMajorMap<T>(view.data, view.columns, view.rows, Eigen::OuterStride<>(view.column_stride))
            .transpose());
  }
}

template <class T>
void Dispatch(const MatrixView<T>& a, const MatrixView<T>& b, T* out) {
  if (a.rows * a.columns * b.columns <= kSmall) {
    PlainMatMulAdd(a, b, out);
    return;
  }
  Eigen::Map<Matrix<T>> product(out, a.rows, b.columns);
  WithEigen(a, [&](const auto& left) {
    WithEigen(b, [&](const auto& right) { product.noalias() += left * right; });
  });
}

}  // namespace

template <>
void MatMulAdd(const MatrixView<double>& a, const MatrixView<double>& b, double* out) {
  Dispatch(a, b, out);
}
template <>
void MatMulAdd(const MatrixView<float>& a, const MatrixView<float>& b, float* out) {
  Dispatch(a, b, out);
}

}  // namespace gradus
