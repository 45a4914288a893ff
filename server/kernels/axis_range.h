#ifndef GRADUS_SERVER_KERNELS_AXIS_RANGE_H_
#define GRADUS_SERVER_KERNELS_AXIS_RANGE_H_

#include <cstdint>

#include "server/kernels/interruption.h"
#include "server/tensor/shape.h"

namespace gradus {

// Some indices of an axis: `count` of them, `step` apart, from `start` on.
struct AxisRange {
  int axis;
  int64_t start;
  int64_t count;
  int64_t step = 1;
};

// A part of a tensor of shape `whole` consists of the elements in a range of an axis. Calls
// f(at_whole, at_part) for every element of the part, with its positions, in row-major order.
template <class F>
void ForEachInRange(const Shape& whole, const AxisRange& range, F f) {
  const int64_t outer = whole.Slice(0, range.axis).element_count();
  const int64_t inner = whole.Slice(range.axis + 1, whole.rank()).element_count();
  int64_t at_part = 0;
  ForEachIndex(outer, [&](int64_t i) {
    ForEachIndex(range.count, [&](int64_t j) {
      const int64_t block = (i * whole[range.axis] + range.start + j * range.step) * inner;
      ForEachIndex(inner, [&](int64_t k) { f(block + k, at_part++); });
    });
  });
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_AXIS_RANGE_H_
