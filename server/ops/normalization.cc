#include "server/ops/normalization.h"

#include "server/ops/attribute_checks.h"
#include "server/ops/axes.h"

namespace gradus {

absl::Status CheckOffset(const DenominatorOffset& offset, std::string_view op,
                         std::string_view value_name) {
  if (absl::Status s = CheckNotNegative(fmt::format("{}.{}", op, value_name), offset.value);
      !s.ok()) {
    return s;
  }
  switch (offset.placement) {
    case v1::EPSILON_PLACEMENT_UNSPECIFIED:
    case v1::EPSILON_PLACEMENT_INSIDE_ROOT:
    case v1::EPSILON_PLACEMENT_OUTSIDE_ROOT:
      return absl::OkStatus();
    default:
      return FieldError(fmt::format("{}.epsilon_placement", op), Reason::kInvalidValue,
                        fmt::format("{} is unknown; choose EPSILON_PLACEMENT_INSIDE_ROOT or "
                                    "EPSILON_PLACEMENT_OUTSIDE_ROOT",
                                    static_cast<int>(offset.placement)));
  }
}

absl::Status CheckParameters(const ShapeCall& call, std::span<const std::string_view> names,
                             size_t first, const Shape& expected) {
  for (size_t i = first; i < call.operands.size(); ++i) {
    if (call.operands[i] == expected) continue;
    return FieldError(
        "", Reason::kShapeMismatch,
        fmt::format("{} has shape {}, expected {} for input of shape {}", names[i],
                    call.operands[i].ToString(), expected.ToString(), call.operands[0].ToString()));
  }
  return absl::OkStatus();
}

NormalizationLayout NormalizationLayout::PerChannel(const Shape& shape, int channel_axis) {
  const int64_t channels = shape[channel_axis];
  const int64_t inner = shape.Slice(channel_axis + 1, shape.rank()).element_count();
  const int64_t outer = shape.Slice(0, channel_axis).element_count();
  return {channels, inner, outer, channels * inner, Shape{channels}, inner};
}

NormalizationLayout NormalizationLayout::PerExample(const Shape& shape, int first_axis) {
  const Shape parameter = shape.Slice(first_axis, shape.rank());
  const int64_t size = parameter.element_count();
  return {shape.Slice(0, first_axis).element_count(), size, 1, size, parameter, 1};
}

NormalizationLayout NormalizationLayout::PerChannelGroup(const Shape& shape, int64_t group_count) {
  const int64_t places = shape.Slice(2, shape.rank()).element_count();
  const int64_t size = shape[1] / group_count * places;
  return {shape[0] * group_count, size, 1, size, Shape{shape[1]}, places};
}

absl::StatusOr<int> FindChannelAxis(std::string_view op, int axis, const Shape& shape) {
  if (shape.rank() < 2) {
    return FieldError("", Reason::kShapeMismatch,
                      fmt::format("input has shape {}, expected rank 2 or more, examples and "
                                  "channels",
                                  shape.ToString()));
  }
  return NormalizeAxis(axis, shape.rank(), fmt::format("{}.channel_axis", op));
}

}  // namespace gradus
