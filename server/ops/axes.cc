#include "server/ops/axes.h"

#include <array>
#include <string>

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {

absl::StatusOr<int> NormalizeAxis(int axis, int rank, std::string_view field) {
  if (axis < -rank || axis >= rank) {
    return FieldError(std::string(field), Reason::kInvalidValue,
                      rank == 0
                          ? fmt::format("axis {} does not exist, the operand is a scalar", axis)
                          : fmt::format("axis {} is out of range, the operand has axes {} to {}",
                                        axis, -rank, rank - 1));
  }
  return axis < 0 ? axis + rank : axis;
}

absl::StatusOr<ReducedShape> ReduceAxes(const Shape& shape, std::span<const int> axes,
                                        std::string_view field) {
  std::array<bool, Shape::kMaxRank> reduced = {};
  if (axes.empty()) reduced.fill(true);
  for (size_t i = 0; i < axes.size(); ++i) {
    const std::string element = fmt::format("{}[{}]", field, i);
    const absl::StatusOr<int> axis = NormalizeAxis(axes[i], shape.rank(), element);
    if (!axis.ok()) return axis.status();
    bool& seen = reduced[static_cast<size_t>(*axis)];
    if (seen) {
      return FieldError(element, Reason::kInvalidValue,
                        fmt::format("axis {} is listed twice", *axis));
    }
    seen = true;
  }
  ReducedShape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool gone = reduced[static_cast<size_t>(axis)];
    result.kept.Append(gone ? 1 : shape[axis]);
    if (!gone) result.squeezed.Append(shape[axis]);
  }
  return result;
}

}  // namespace gradus
