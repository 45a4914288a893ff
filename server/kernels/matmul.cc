#include "server/kernels/matmul.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "Eigen/Core"
#include "server/kernels/interruption.h"

namespace gradus {
namespace {

// Below this many multiplications, plain loops beat Eigen's set-up.
constexpr int64_t kSmall = 512;
// Slices of a product: some milliseconds each, and large enough that cutting costs little.
constexpr int64_t kSlice = int64_t{1} << 24;
// Of a product with a vector, or nearly: it waits for memory.
constexpr int64_t kThinSlice = int64_t{1} << 21;
constexpr int64_t kThin = 16;
constexpr int64_t kLeastSliced = 128;  // rows or columns
constexpr int64_t kMultiplicationsPerStep = 16;

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

// out += a b, the rows of out being `out_stride` apart: in slices, between which it may be
// interrupted.
template <class T>
void SlicedMatMulAdd(const MatrixView<T>& a, const MatrixView<T>& b, T* out, int64_t out_stride) {
  const int64_t multiplications = a.rows * a.columns * b.columns;
  if (multiplications <= (std::min(a.rows, b.columns) < kThin ? kThinSlice : kSlice)) {
    if (Interrupted(multiplications / kMultiplicationsPerStep)) return;
    Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>> product(out, a.rows, b.columns,
                                                           Eigen::OuterStride<>(out_stride));
    WithEigen(a, [&](const auto& left) {
      WithEigen(b, [&](const auto& right) { product.noalias() += left * right; });
    });
    return;
  }
  // Only what is long along the sum alone is sliced along it, as that changes the rounding.
  if (std::max(a.rows, b.columns) <= kLeastSliced) {
    const int64_t half = a.columns / 2;
    SlicedMatMulAdd(a.Columns(0, half), b.Rows(0, half), out, out_stride);
    SlicedMatMulAdd(a.Columns(half, a.columns - half), b.Rows(half, a.columns - half), out,
                    out_stride);
  } else if (a.rows >= b.columns) {
    const int64_t half = a.rows / 2;
    SlicedMatMulAdd(a.Rows(0, half), b, out, out_stride);
    SlicedMatMulAdd(a.Rows(half, a.rows - half), b, out + half * out_stride, out_stride);
  } else {
    const int64_t half = b.columns / 2;
    SlicedMatMulAdd(a, b.Columns(0, half), out, out_stride);
    SlicedMatMulAdd(a, b.Columns(half, b.columns - half), out + half, out_stride);
  }
}

template <class T>
void Dispatch(const MatrixView<T>& a, const MatrixView<T>& b, T* out) {
  if (a.rows * a.columns * b.columns <= kSmall) {
    PlainMatMulAdd(a, b, out);
  } else {
    SlicedMatMulAdd(a, b, out, b.columns);
  }
}

// A matrix of dual numbers, taken apart.
struct DualMatrix {
  struct Moving {
    int64_t row;
    int64_t column;
    double derivative;
  };

  explicit DualMatrix(const MatrixView<Dual>& view)
      : rows(view.rows),
        columns(view.columns),
        values(static_cast<size_t>(rows * columns)),
        row_branches(static_cast<size_t>(rows)),
        column_branches(static_cast<size_t>(columns)),
        row_at_kink(static_cast<size_t>(rows)),
        column_at_kink(static_cast<size_t>(columns)) {
    ForEachIndex(rows, [&](int64_t i) {
      ForEachIndex(columns, [&](int64_t j) {
        const Dual& x = view.data[i * view.row_stride + j * view.column_stride];
        values[static_cast<size_t>(i * columns + j)] = x.value();
        if (x.derivative() != 0) moving.push_back({i, j, x.derivative()});
        Note(x, row_branches[static_cast<size_t>(i)], row_at_kink[static_cast<size_t>(i)]);
        Note(x, column_branches[static_cast<size_t>(j)], column_at_kink[static_cast<size_t>(j)]);
      });
    });
  }

  const double* row(int64_t i) const { return values.data() + i * columns; }
  MatrixView<double> view() const {
    return MatrixView<double>::RowMajor(values.data(), rows, columns);
  }

  const int64_t rows;
  const int64_t columns;
  std::vector<double> values;
  std::vector<Moving> moving;
  // Of all numbers in a row, and in a column.
  std::vector<uint64_t> row_branches;
  std::vector<uint64_t> column_branches;
  std::vector<char> row_at_kink;
  std::vector<char> column_at_kink;

 private:
  static void Note(const Dual& x, uint64_t& branches, char& at_kink) {
    branches = Dual::CombineBranches(branches, x.branches());
    at_kink |= static_cast<char>(x.at_kink());
  }
};

}  // namespace

template <>
void MatMulAdd(const MatrixView<Dual>& a, const MatrixView<Dual>& b, Dual* out) {
  if (a.rows * a.columns * b.columns <= kSmall) {
    PlainMatMulAdd(a, b, out);
    return;
  }
  const DualMatrix left(a);
  const DualMatrix right(b);
  std::vector<double> values(static_cast<size_t>(a.rows * b.columns));
  Dispatch(left.view(), right.view(), values.data());
  std::vector<double> derivatives(values.size());
  ForEachIndex(std::ssize(left.moving), [&](int64_t n) {
    const DualMatrix::Moving& x = left.moving[static_cast<size_t>(n)];
    ForEachIndex(b.columns, [&](int64_t j) {
      derivatives[static_cast<size_t>(x.row * b.columns + j)] +=
          x.derivative * right.row(x.column)[j];
    });
  });
  ForEachIndex(std::ssize(right.moving), [&](int64_t n) {
    const DualMatrix::Moving& x = right.moving[static_cast<size_t>(n)];
    ForEachIndex(a.rows, [&](int64_t i) {
      derivatives[static_cast<size_t>(i * b.columns + x.column)] +=
          left.row(i)[x.row] * x.derivative;
    });
  });
  ForEachIndex(a.rows, [&](int64_t i) {
    const auto row = static_cast<size_t>(i);
    ForEachIndex(b.columns, [&](int64_t j) {
      const auto column = static_cast<size_t>(j);
      const auto at = static_cast<size_t>(i * b.columns + j);
      out[at] += Dual(values[at], derivatives[at],
                      Dual::CombineBranches(left.row_branches[row], right.column_branches[column]),
                      left.row_at_kink[row] != 0 || right.column_at_kink[column] != 0);
    });
  });
}
template <>
void MatMulAdd(const MatrixView<double>& a, const MatrixView<double>& b, double* out) {
  Dispatch(a, b, out);
}
template <>
void MatMulAdd(const MatrixView<float>& a, const MatrixView<float>& b, float* out) {
  Dispatch(a, b, out);
}

}  // namespace gradus
