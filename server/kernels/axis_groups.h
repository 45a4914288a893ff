#ifndef GRADUS_SERVER_KERNELS_AXIS_GROUPS_H_
#define GRADUS_SERVER_KERNELS_AXIS_GROUPS_H_

#include <cstdint>

#include "server/kernels/interruption.h"
#include "server/kernels/strided_cursor.h"
#include "server/tensor/shape.h"

namespace gradus {

// The groups of elements that a reduction over some axes makes one number of each, one group at a
// time, in the order of these numbers.
class AxisGroups {
 public:
  // `kept` is `shape` with length 1 for the axes that are reduced.
  AxisGroups(const Shape& shape, const Shape& kept);

  // Elements in each group.
  int64_t size() const { return size_; }

  // Calls f(i, position) for element i of this group, in row-major order.
  template <class F>
  void ForEachElement(F f) {
    ForEachIndex(size_, [&](int64_t i) {
      f(i, group_.position() + element_.position());
      element_.Next();
    });
  }

  void NextGroup() { group_.Next(); }

 private:
  AxisGroups(const Shape& shape, const Shape& kept, const Shape& reduced);

  StridedCursor group_;
  StridedCursor element_;  // relative to the group
  int64_t size_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_AXIS_GROUPS_H_
