#ifndef GRADUS_SERVER_KERNELS_MATMUL_H_
#define GRADUS_SERVER_KERNELS_MATMUL_H_

#include <cstdint>

#include "server/kernels/interruption.h"
#include "server/tensor/dual.h"

namespace gradus {

// A matrix inside somebody else's numbers. One of its strides is 1. Transposing it swaps lengths
// and strides.
template <class T>
struct MatrixView {
  const T* data;
  int64_t rows;
  int64_t columns;
  int64_t row_stride;
  int64_t column_stride;

  static MatrixView RowMajor(const T* data, int64_t rows, int64_t columns) {
    return {data, rows, columns, columns, 1};
  }
  MatrixView Transposed() const { return {data, columns, rows, column_stride, row_stride}; }
  // `count` rows or columns from `first` on.
  MatrixView Rows(int64_t first, int64_t count) const {
    return {data + first * row_stride, count, columns, row_stride, column_stride};
  }
  MatrixView Columns(int64_t first, int64_t count) const {
    return {data + first * column_stride, rows, count, row_stride, column_stride};
  }
};

// MatMulAdd in plain loops, for any number system.
template <class T>
void PlainMatMulAdd(const MatrixView<T>& a, const MatrixView<T>& b, T* out) {
  ForEachIndex(a.rows, [&](int64_t i) {
    ForEachIndex(a.columns, [&](int64_t k) {
      const T& factor = a.data[i * a.row_stride + k * a.column_stride];
      ForEachIndex(b.columns, [&](int64_t j) {
        out[i * b.columns + j] += factor * b.data[k * b.row_stride + j * b.column_stride];
      });
    });
  });
}

// out += a b, out row-major [a.rows, b.columns]; a.columns equals b.rows. The order of summation
// depends on the lengths only, so the same call gives the same bits.
template <class T>
void MatMulAdd(const MatrixView<T>& a, const MatrixView<T>& b, T* out) {
  PlainMatMulAdd(a, b, out);
}
// Vectorised beyond a few hundred multiplications.
template <>
void MatMulAdd(const MatrixView<double>& a, const MatrixView<double>& b, double* out);
template <>
void MatMulAdd(const MatrixView<float>& a, const MatrixView<float>& b, float* out);
// Values as a product of doubles, and derivatives of those numbers only that move: mostly few do.
template <>
void MatMulAdd(const MatrixView<Dual>& a, const MatrixView<Dual>& b, Dual* out);

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_MATMUL_H_
