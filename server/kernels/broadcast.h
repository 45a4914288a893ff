#ifndef GRADUS_SERVER_KERNELS_BROADCAST_H_
#define GRADUS_SERVER_KERNELS_BROADCAST_H_

#include <cstdint>
#include <optional>

#include "server/kernels/interruption.h"
#include "server/kernels/strided_cursor.h"
#include "server/tensor/shape.h"
#include "server/tensor/tensor.h"

namespace gradus {

// The common shape of a and b by NumPy's rule: axes are aligned at the end, and a missing axis or
// one of length 1 stretches. nullopt if they do not fit.
std::optional<Shape> BroadcastShape(const Shape& a, const Shape& b);

// Walks all elements of a shape in row-major order and knows the position, in a tensor that was
// broadcast to that shape, of the element that each one reads.
class BroadcastCursor : public StridedCursor {
 public:
  // `operand` broadcasts to `shape`.
  BroadcastCursor(const Shape& operand, const Shape& shape);
};

// Calls f(i, j, k) for every element i of `shape`, in row-major order: it reads element j of a
// tensor of shape `a`, and element k of one of shape `b`, which both broadcast to `shape`.
template <class F>
void BroadcastForEach(const Shape& a, const Shape& b, const Shape& shape, F f) {
  const int64_t count = shape.element_count();
  if (a == shape && b == shape) {
    ForEachIndex(count, [&](int64_t i) { f(i, i, i); });
    return;
  }
  // Row by row along the last axis, since a cursor that moves by elements costs more than most f.
  // A scalar was handled above.
  const auto row_length = [](const Shape& s) { return s.rank() == 0 ? 1 : s.back(); };
  const auto rows = [](const Shape& s) { return s.Slice(0, s.rank() == 0 ? 0 : s.rank() - 1); };
  const int64_t a_step = row_length(a) == 1 ? 0 : 1;
  const int64_t b_step = row_length(b) == 1 ? 0 : 1;
  BroadcastCursor a_row(rows(a), rows(shape));
  BroadcastCursor b_row(rows(b), rows(shape));
  ForEachIndex(count / shape.back(), [&](int64_t r) {
    const int64_t row = r * shape.back();
    const int64_t a_begin = a_row.position() * row_length(a);
    const int64_t b_begin = b_row.position() * row_length(b);
    ForEachIndex(shape.back(),
                 [&](int64_t i) { f(row + i, a_begin + i * a_step, b_begin + i * b_step); });
    a_row.Next();
    b_row.Next();
  });
}

// out[i] = x[i] with x broadcast to out's shape.
template <class T>
void BroadcastCopy(const Tensor<T>& x, Tensor<T>& out) {
  BroadcastForEach(x.shape(), out.shape(), out.shape(),
                   [&](int64_t i, int64_t j, int64_t) { out[i] = x[j]; });
}

// out[i] = f(a[i], b[i]) with a and b broadcast to out's shape.
template <class T, class F>
void BroadcastMap(const Tensor<T>& a, const Tensor<T>& b, Tensor<T>& out, F f) {
  BroadcastForEach(a.shape(), b.shape(), out.shape(),
                   [&](int64_t i, int64_t j, int64_t k) { out[i] = f(a[j], b[k]); });
}

// The transpose of broadcasting: sum[j] += f(i) over all elements i of `shape` that read element j
// of a tensor of shape `sum_shape` broadcast to `shape`.
template <class T, class F>
void BroadcastSumAdd(const Shape& shape, const Shape& sum_shape, T* sum, F f) {
  const int64_t count = shape.element_count();
  if (sum_shape == shape) {
    ForEachIndex(count, [&](int64_t i) { sum[i] += f(i); });
    return;
  }
  BroadcastCursor at(sum_shape, shape);
  ForEachIndex(count, [&](int64_t i) {
    sum[at.position()] += f(i);
    at.Next();
  });
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_BROADCAST_H_
