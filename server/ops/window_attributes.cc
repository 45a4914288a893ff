#include "server/ops/window_attributes.h"

#include <limits>

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// Larger attributes are refused: the product of two numbers up to this, or of one with the length
// of a tensor in memory, is far from overflowing.
constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();

}  // namespace

absl::StatusOr<PerAxis> ReadPerAxis(const WindowAttribute& attribute, int64_t minimum,
                                    const PerAxis& if_empty) {
  const auto& [field, entries, spatial_axes] = attribute;
  if (entries.size() > static_cast<size_t>(spatial_axes)) {
    return FieldError(field, Reason::kInvalidValue,
                      fmt::format("{} entries, expected {}", entries.size(),
                                  spatial_axes == 1 ? "one" : "one for both axes, or two"));
  }
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i] < minimum || entries[i] > kLargest) {
      return FieldError(fmt::format("{}[{}]", field, i), Reason::kInvalidValue,
                        fmt::format("{} is not from {} to {}", entries[i], minimum, kLargest));
    }
  }
  if (entries.empty()) return if_empty;
  return PerAxis{spatial_axes == 1 ? if_empty[0] : entries.front(), entries.back()};
}

absl::StatusOr<WindowGrid> LayWindows(const Shape& input, const PerAxis& size,
                                      const PerAxis& stride, const PerAxis& padding,
                                      const PerAxis& dilation) {
  const PerAxis lengths = SpatialLengths(input);
  std::array<WindowAxis, 2> axes;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t places = lengths[i] + 2 * padding[i];
    const int64_t span = dilation[i] * (size[i] - 1) + 1;
    if (span > places) {
      return FieldError(
          "", Reason::kShapeMismatch,
          fmt::format("a window spans {} places, but axis {} of the input (shape {}) has {} with "
                      "its padding",
                      span, input.rank() - 2 + static_cast<int>(i), input.ToString(), places));
    }
    axes[i] = {lengths[i], (places - span) / stride[i] + 1, size[i], stride[i], padding[i],
               dilation[i]};
  }
  return WindowGrid{axes[0], axes[1]};
}

}  // namespace gradus
