#ifndef GRADUS_SERVER_OPS_WINDOW_ATTRIBUTES_H_
#define GRADUS_SERVER_OPS_WINDOW_ATTRIBUTES_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"

#include "server/kernels/window.h"
#include "server/tensor/shape.h"

namespace gradus {

// A number for the height and one for the width. An op over one spatial axis has a height of 1.
using PerAxis = std::array<int64_t, 2>;

// The entries of a repeated field.
template <class Field>
std::span<const int64_t> EntriesOf(const Field& field) {
  return {field.data(), static_cast<size_t>(field.size())};
}

// A repeated attribute, "conv2d.stride": one entry per spatial axis, one for all, or none.
struct WindowAttribute {
  std::string field;
  std::span<const int64_t> entries;
  int spatial_axes;  // 1 or 2
};

// The attribute per axis: `if_empty` without entries, and on the height of an op over one axis. An
// error at the field if there are too many entries, or at an entry that is less than `minimum` or
// so large that places could not be counted.
absl::StatusOr<PerAxis> ReadPerAxis(const WindowAttribute& attribute, int64_t minimum,
                                    const PerAxis& if_empty);

// The shape of one spatial axis or two, as height and width.
inline PerAxis SpatialLengths(const Shape& shape) {
  return shape.rank() == 3 ? PerAxis{1, shape[2]} : PerAxis{shape[2], shape[3]};
}

// `leading` followed by height and width, or by the width only if there is one spatial axis.
inline Shape WithSpatialLengths(Shape leading, int spatial_axes, const PerAxis& lengths) {
  if (spatial_axes == 2) leading.Append(lengths[0]);
  leading.Append(lengths[1]);
  return leading;
}

// As many windows as fit on the spatial axes of `input` with padding; an error if none does.
absl::StatusOr<WindowGrid> LayWindows(const Shape& input, const PerAxis& size,
                                      const PerAxis& stride, const PerAxis& padding,
                                      const PerAxis& dilation);

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_WINDOW_ATTRIBUTES_H_
