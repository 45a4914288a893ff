#ifndef GRADUS_SERVER_KERNELS_REDUCE_H_
#define GRADUS_SERVER_KERNELS_REDUCE_H_

#include <cstdint>

#include "server/kernels/interruption.h"
#include "server/tensor/shape.h"
#include "server/tensor/tensor.h"

namespace gradus {

// One line of a tensor along an axis: `length` elements, `stride` apart, from `begin` on.
struct Lane {
  int64_t begin;
  int64_t stride;
  int64_t length;

  int64_t operator[](int64_t i) const { return begin + i * stride; }
};

// Calls f(lane) for every line of `shape` along `axis`, 0 to rank - 1, in row-major order.
template <class F>
void ForEachLane(const Shape& shape, int axis, F f) {
  const int64_t outer = shape.Slice(0, axis).element_count();
  const int64_t inner = shape.Slice(axis + 1, shape.rank()).element_count();
  const int64_t length = shape[axis];
  ForEachIndex(outer, [&](int64_t i) {
    ForEachIndex(inner, [&](int64_t j) { f(Lane{i * length * inner + j, inner, length}); });
  });
}

// Sum of f(i) over the elements of a lane, from the first to the last.
template <class T, class F>
T LaneSum(const Lane& lane, F f) {
  T sum = T(0);
  ForEachIndex(lane.length, [&](int64_t i) { sum += f(lane[i]); });
  return sum;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_REDUCE_H_
