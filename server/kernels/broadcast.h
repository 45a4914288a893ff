#ifndef GRADUS_SERVER_KERNELS_BROADCAST_H_
#define GRADUS_SERVER_KERNELS_BROADCAST_H_

#include <array>
#include <cstdint>
#include <optional>

#include "server/tensor/shape.h"
#include "server/tensor/tensor.h"

namespace gradus {

// The common shape of a and b by NumPy's rule: axes are aligned at the end, and a missing axis or
// one of length 1 stretches. nullopt if they do not fit.
std::optional<Shape> BroadcastShape(const Shape& a, const Shape& b);

// Walks all elements of a shape in row-major order and knows the position, in a tensor that was
// broadcast to that shape, of the element that each one reads.
class BroadcastCursor {
 public:
  // `operand` broadcasts to `shape`.
  BroadcastCursor(const Shape& operand, const Shape& shape);

  int64_t position() const { return position_; }
  void Next();

 private:
  Shape shape_;
  std::array<int64_t, Shape::kMaxRank> strides_ = {};  // in the operand; 0 where it stretches
  std::array<int64_t, Shape::kMaxRank> index_ = {};
  int64_t position_ = 0;
};

// out[i] = f(a[i], b[i]) with a and b broadcast to out's shape.
template <class T, class F>
void BroadcastMap(const Tensor<T>& a, const Tensor<T>& b, Tensor<T>& out, F f) {
  if (a.shape() == out.shape() && b.shape() == out.shape()) {
    for (int64_t i = 0; i < out.size(); ++i) out[i] = f(a[i], b[i]);
    return;
  }
  BroadcastCursor at_a(a.shape(), out.shape());
  BroadcastCursor at_b(b.shape(), out.shape());
  for (int64_t i = 0; i < out.size(); ++i) {
    out[i] = f(a[at_a.position()], b[at_b.position()]);
    at_a.Next();
    at_b.Next();
  }
}

// The transpose of broadcasting: sum[j] += f(i) over all elements i of `shape` that read element j
// of a tensor of shape `sum_shape` broadcast to `shape`.
template <class T, class F>
void BroadcastSumAdd(const Shape& shape, const Shape& sum_shape, T* sum, F f) {
  const int64_t count = shape.element_count();
  if (sum_shape == shape) {
    for (int64_t i = 0; i < count; ++i) sum[i] += f(i);
    return;
  }
  BroadcastCursor at(sum_shape, shape);
  for (int64_t i = 0; i < count; ++i) {
    sum[at.position()] += f(i);
    at.Next();
  }
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_BROADCAST_H_
