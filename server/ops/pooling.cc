#include "server/ops/pooling.h"

#include <algorithm>

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {

absl::StatusOr<PoolingPlan> PlanPooling(const PoolingAttributes& attributes, const Shape& input) {
  const int axes = attributes.spatial_axes;
  const auto attribute = [&](std::string_view name, std::span<const int64_t> entries) {
    return WindowAttribute{fmt::format("{}.{}", attributes.op, name), entries, axes};
  };
  if (input.rank() != axes + 2) {
    return FieldError("", Reason::kShapeMismatch,
                      fmt::format("input has shape {}, expected [N, C, {}]", input.ToString(),
                                  axes == 1 ? "L" : "H, W"));
  }
  const WindowAttribute kernel_attribute = attribute("kernel", attributes.kernel);
  if (attributes.kernel.empty()) {
    return FieldError(kernel_attribute.field, Reason::kMissingField,
                      "unset; the length of the window is needed");
  }
  const absl::StatusOr<PerAxis> kernel = ReadPerAxis(kernel_attribute, 1, {1, 1});
  if (!kernel.ok()) return kernel.status();
  const absl::StatusOr<PerAxis> stride =
      ReadPerAxis(attribute("stride", attributes.stride), 1, *kernel);
  if (!stride.ok()) return stride.status();
  const WindowAttribute padding_attribute = attribute("padding", attributes.padding);
  const absl::StatusOr<PerAxis> padding = ReadPerAxis(padding_attribute, 0, {0, 0});
  if (!padding.ok()) return padding.status();
  for (size_t i = 0; i < padding->size(); ++i) {
    // More, and a window might lie in the padding alone.
    if ((*padding)[i] <= (*kernel)[i] / 2) continue;
    const size_t entry = i < attributes.padding.size() ? i : attributes.padding.size() - 1;
    return FieldError(fmt::format("{}[{}]", padding_attribute.field, entry), Reason::kInvalidValue,
                      fmt::format("{} is more than half of the kernel, which is {}", (*padding)[i],
                                  (*kernel)[i]));
  }
  const absl::StatusOr<WindowGrid> grid = LayWindows(input, *kernel, *stride, *padding, {1, 1});
  if (!grid.ok()) return grid.status();
  return PoolingPlan{
      input[0] * input[1], *grid,
      WithSpatialLengths({input[0], input[1]}, axes, {grid->height.windows, grid->width.windows})};
}

double PoolingFlops(const PoolingPlan& plan, double cost) {
  double places = static_cast<double>(plan.images);
  for (const WindowAxis& axis : {plan.grid.height, plan.grid.width}) {
    places *=
        static_cast<double>(axis.windows) * static_cast<double>(std::min(axis.size, axis.length));
  }
  return cost * places;
}

}  // namespace gradus
