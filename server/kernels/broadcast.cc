#include "server/kernels/broadcast.h"

#include <algorithm>

namespace gradus {
namespace {

// Those of the operand, by axis of `shape`; 0 where it stretches.
Strides BroadcastStrides(const Shape& operand, const Shape& shape) {
  const Strides own = RowMajorStrides(operand);
  const auto missing = static_cast<size_t>(shape.rank() - operand.rank());
  Strides strides = {};
  for (size_t axis = 0; axis < static_cast<size_t>(operand.rank()); ++axis) {
    if (operand[static_cast<int>(axis)] != 1) strides[missing + axis] = own[axis];
  }
  return strides;
}

}  // namespace

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

BroadcastCursor::BroadcastCursor(const Shape& operand, const Shape& shape)
    : StridedCursor(shape, BroadcastStrides(operand, shape)) {}

}  // namespace gradus
