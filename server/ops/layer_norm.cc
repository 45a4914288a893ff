#include "server/ops/normalization.h"

namespace gradus {
namespace {

struct LayerNorm : Normalization<LayerNorm> {
  static constexpr auto kCase = v1::Node::kLayerNorm;
  static constexpr std::string_view kFormula =
      "y = gamma (input - mean) / d + beta, d = sqrt(variance + variance_epsilon) or, with "
      "EPSILON_PLACEMENT_OUTSIDE_ROOT, sqrt(variance) + variance_epsilon; mean and variance of "
      "each example over the last axes";

  static DenominatorOffset Offset(const v1::Node& node) {
    return ReadVarianceOffset(node.layer_norm());
  }
  static bool IsUnbiased(const v1::Node& node) { return node.layer_norm().unbiased(); }
  static absl::StatusOr<NormalizationLayout> FindLayout(const v1::Node& node, const Shape& x) {
    const v1::LayerNorm& message = node.layer_norm();
    const int axis_count = message.has_axis_count() ? message.axis_count() : 1;
    if (axis_count < 1 || axis_count > x.rank()) {
      return FieldError(
          "layer_norm.axis_count", Reason::kInvalidValue,
          x.rank() == 0 ? "input is a scalar, it has no axis to normalise over"
                        : fmt::format("{} is not from 1 to {}, the rank of the input (shape {})",
                                      axis_count, x.rank(), x.ToString()));
    }
    return NormalizationLayout::PerExample(x, x.rank() - axis_count);
  }
};

}  // namespace

const Op& LayerNormOp() { return OpOf<LayerNorm>(); }

}  // namespace gradus
