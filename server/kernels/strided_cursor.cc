#include "server/kernels/strided_cursor.h"

namespace gradus {

Strides RowMajorStrides(const Shape& shape) {
  Strides strides = {};
  int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  return strides;
}

void StridedCursor::Next() {
  for (int axis = shape_.rank() - 1; axis >= 0; --axis) {
    const auto a = static_cast<size_t>(axis);
    position_ += strides_[a];
    if (++index_[a] < shape_[axis]) return;
    position_ -= strides_[a] * index_[a];
    index_[a] = 0;
  }
}

}  // namespace gradus
