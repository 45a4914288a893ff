#ifndef GRADUS_SERVER_OPS_AXES_H_
#define GRADUS_SERVER_OPS_AXES_H_

#include <span>
#include <string_view>

#include "absl/status/statusor.h"

#include "server/tensor/shape.h"

namespace gradus {

// An axis counted from the end if negative, as one from 0 to rank - 1. `field` names the attribute
// in the error.
absl::StatusOr<int> NormalizeAxis(int axis, int rank, std::string_view field);

// What a reduction over `axes` (all, if empty) makes of a shape: the axes kept with length 1, and
// gone.
struct ReducedShape {
  Shape kept;
  Shape squeezed;
};
absl::StatusOr<ReducedShape> ReduceAxes(const Shape& shape, std::span<const int> axes,
                                        std::string_view field);

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_AXES_H_
