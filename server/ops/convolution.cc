#include "server/ops/convolution.h"

#include <string>

#include "absl/status/status.h"

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

std::string Field(const ConvolutionAttributes& attributes, std::string_view name) {
  return fmt::format("{}.{}", attributes.op, name);
}

// How the windows lie, but for the lengths of the axes.
struct WindowStep {
  PerAxis stride;
  PerAxis padding;
  PerAxis output_padding;
  PerAxis dilation;
};

absl::StatusOr<WindowStep> ReadWindowStep(const ConvolutionAttributes& attributes) {
  const auto read = [&](std::string_view name, std::span<const int64_t> entries, int64_t minimum,
                        PerAxis& result) {
    const absl::StatusOr<PerAxis> read = ReadPerAxis(
        {Field(attributes, name), entries, attributes.spatial_axes}, minimum, {minimum, minimum});
    if (read.ok()) result = *read;
    return read.status();
  };
  WindowStep step;
  if (absl::Status s = read("stride", attributes.stride, 1, step.stride); !s.ok()) return s;
  if (absl::Status s = read("padding", attributes.padding, 0, step.padding); !s.ok()) return s;
  if (absl::Status s = read("output_padding", attributes.output_padding, 0, step.output_padding);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = read("dilation", attributes.dilation, 1, step.dilation); !s.ok()) return s;
  return step;
}

absl::Status CheckRank(std::string_view name, const Shape& shape, int spatial_axes,
                       std::string_view channels, std::string_view spatial) {
  if (shape.rank() == spatial_axes + 2) return absl::OkStatus();
  return FieldError(
      "", Reason::kShapeMismatch,
      fmt::format("{} has shape {}, expected [{}, {}]", name, shape.ToString(), channels, spatial));
}

absl::Status CheckGroups(const ConvolutionAttributes& attributes, int64_t channels,
                         std::string_view what, const Shape& shape) {
  const int64_t groups = attributes.groups;
  if (groups < 1) {
    return FieldError(Field(attributes, "groups"), Reason::kInvalidValue,
                      fmt::format("{} is less than 1", groups));
  }
  if (channels % groups != 0) {
    return FieldError(Field(attributes, "groups"), Reason::kInvalidValue,
                      fmt::format("{} groups do not divide the {} {} (shape {})", groups, channels,
                                  what, shape.ToString()));
  }
  return absl::OkStatus();
}

absl::Status CheckBias(std::span<const Shape> operands, int64_t channels) {
  if (operands.size() < 3 || operands[2] == Shape{channels}) return absl::OkStatus();
  return FieldError("", Reason::kShapeMismatch,
                    fmt::format("bias has shape {}, expected [{}], one per output channel",
                                operands[2].ToString(), channels));
}

}  // namespace

absl::StatusOr<ConvolutionPlan> PlanConvolution(const ConvolutionAttributes& attributes,
                                                std::span<const Shape> operands) {
  const Shape& x = operands[0];
  const Shape& weight = operands[1];
  const int axes = attributes.spatial_axes;
  if (absl::Status s = CheckRank("input", x, axes, "N, C", axes == 1 ? "L" : "H, W"); !s.ok()) {
    return s;
  }
  if (absl::Status s =
          CheckRank("weight", weight, axes, "out, C / groups", axes == 1 ? "K" : "KH, KW");
      !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckGroups(attributes, x[1], "channels of the input", x); !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckGroups(attributes, weight[0], "output channels of weight", weight);
      !s.ok()) {
    return s;
  }
  const int64_t groups = attributes.groups;
  if (x[1] / groups != weight[1]) {
    return FieldError(
        "", Reason::kShapeMismatch,
        fmt::format("input has {} channels per group (shape {}, groups {}), weight "
                    "expects {} (shape {})",
                    x[1] / groups, x.ToString(), groups, weight[1], weight.ToString()));
  }
  if (absl::Status s = CheckBias(operands, weight[0]); !s.ok()) return s;
  const absl::StatusOr<WindowStep> step = ReadWindowStep(attributes);
  if (!step.ok()) return step.status();
  const absl::StatusOr<WindowGrid> grid =
      LayWindows(x, SpatialLengths(weight), step->stride, step->padding, step->dilation);
  if (!grid.ok()) return grid.status();
  return ConvolutionPlan{
      {x[0], groups, weight[1], weight[0] / groups, *grid},
      WithSpatialLengths({x[0], weight[0]}, axes, {grid->height.windows, grid->width.windows})};
}

absl::StatusOr<ConvolutionPlan> PlanTransposedConvolution(const ConvolutionAttributes& attributes,
                                                          std::span<const Shape> operands) {
  const Shape& x = operands[0];
  const Shape& weight = operands[1];
  if (absl::Status s = CheckRank("input", x, attributes.spatial_axes, "N, C", "H, W"); !s.ok()) {
    return s;
  }
  if (absl::Status s =
          CheckRank("weight", weight, attributes.spatial_axes, "C, out / groups", "KH, KW");
      !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckGroups(attributes, x[1], "channels of the input", x); !s.ok()) {
    return s;
  }
  if (x[1] != weight[0]) {
    return FieldError("", Reason::kShapeMismatch,
                      fmt::format("input has {} channels (shape {}), weight expects {} (shape {})",
                                  x[1], x.ToString(), weight[0], weight.ToString()));
  }
  const int64_t groups = attributes.groups;
  const int64_t out_channels = groups * weight[1];
  if (absl::Status s = CheckBias(operands, out_channels); !s.ok()) return s;
  const absl::StatusOr<WindowStep> step = ReadWindowStep(attributes);
  if (!step.ok()) return step.status();

  const PerAxis windows = SpatialLengths(x);
  const PerAxis size = SpatialLengths(weight);
  std::array<WindowAxis, 2> axes;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t extra = step->output_padding[i];
    if (extra >= step->stride[i] && extra >= step->dilation[i]) {
      const size_t entry = i < attributes.output_padding.size() ? i : 0;
      return FieldError(Field(attributes, fmt::format("output_padding[{}]", entry)),
                        Reason::kInvalidValue,
                        fmt::format("{} is less than neither the stride {} nor the dilation {}",
                                    extra, step->stride[i], step->dilation[i]));
    }
    const int64_t length = (windows[i] - 1) * step->stride[i] - 2 * step->padding[i] +
                           step->dilation[i] * (size[i] - 1) + extra + 1;
    if (length < 1) {
      return FieldError(Field(attributes, "padding"), Reason::kInvalidValue,
                        fmt::format("nothing is left of axis {}: {} of its {} places are cut off",
                                    i + 2, 2 * step->padding[i], length + 2 * step->padding[i]));
    }
    axes[i] = {length, windows[i], size[i], step->stride[i], step->padding[i], step->dilation[i]};
  }
  return ConvolutionPlan{{x[0], groups, weight[1], weight[0] / groups, {axes[0], axes[1]}},
                         Shape{x[0], out_channels, axes[0].length, axes[1].length}};
}

double ConvolutionFlops(const Convolution& c) {
  // Two per multiplication with addition, and 4 to move each number into its window.
  const auto windows = static_cast<double>(c.batch * c.groups) *
                       static_cast<double>(c.grid.height.windows) *
                       static_cast<double>(c.grid.width.windows);
  return windows * static_cast<double>(c.depth()) * (2 * static_cast<double>(c.map_channels) + 4);
}

}  // namespace gradus
