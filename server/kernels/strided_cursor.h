#ifndef GRADUS_SERVER_KERNELS_STRIDED_CURSOR_H_
#define GRADUS_SERVER_KERNELS_STRIDED_CURSOR_H_

#include <array>
#include <cstdint>

#include "server/tensor/shape.h"

namespace gradus {

// Distances of neighbours along each axis; entries beyond the rank count for nothing.
using Strides = std::array<int64_t, Shape::kMaxRank>;

// The strides of a tensor: numbers are stored in row-major order.
Strides RowMajorStrides(const Shape& shape);

// Walks all elements of a shape in row-major order and knows the position of each in a tensor that
// is laid out in another way. After the last element comes the first one again.
class StridedCursor {
 public:
  StridedCursor(const Shape& shape, const Strides& strides) : shape_(shape), strides_(strides) {}

  int64_t position() const { return position_; }
  void Next();

 private:
  Shape shape_;
  Strides strides_;
  std::array<int64_t, Shape::kMaxRank> index_ = {};
  int64_t position_ = 0;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_STRIDED_CURSOR_H_
