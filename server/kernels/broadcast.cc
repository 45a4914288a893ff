#include "server/kernels/broadcast.h"

#include <algorithm>

namespace gradus {

std::optional<Shape> BroadcastShape(const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape common = longer;
  for (int i = 1; i <= shorter.rank(); ++i) {
    int64_t& length = common[longer.rank() - i];
    const int64_t other = shorter[shorter.rank() - i];
    if (length != other && length != 1 && other != 1) return std::nullopt;
    length = std::max(length, other);
  }
  return common;
}

BroadcastCursor::BroadcastCursor(const Shape& operand, const Shape& shape) : shape_(shape) {
  int64_t stride = 1;
  for (int i = 1; i <= operand.rank(); ++i) {
    const int64_t length = operand[operand.rank() - i];
    strides_[static_cast<size_t>(shape.rank() - i)] = length == 1 ? 0 : stride;
    stride *= length;
  }
}

void BroadcastCursor::Next() {
  for (int axis = shape_.rank() - 1; axis >= 0; --axis) {
    const auto a = static_cast<size_t>(axis);
    position_ += strides_[a];
    if (++index_[a] < shape_[axis]) return;
    position_ -= strides_[a] * index_[a];
    index_[a] = 0;
  }
}

}  // namespace gradus
