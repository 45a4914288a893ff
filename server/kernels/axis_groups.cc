#include "server/kernels/axis_groups.h"

namespace gradus {
namespace {

// The lengths of the axes that `kept` lacks, and 1 for the others.
Shape ReducedLengths(const Shape& shape, const Shape& kept) {
  Shape reduced = shape;
  for (int axis = 0; axis < shape.rank(); ++axis) reduced[axis] /= kept[axis];
  return reduced;
}

}  // namespace

AxisGroups::AxisGroups(const Shape& shape, const Shape& kept)
    : AxisGroups(shape, kept, ReducedLengths(shape, kept)) {}

AxisGroups::AxisGroups(const Shape& shape, const Shape& kept, const Shape& reduced)
    : group_(kept, RowMajorStrides(shape)),
      element_(reduced, RowMajorStrides(shape)),
      size_(reduced.element_count()) {}

}  // namespace gradus
