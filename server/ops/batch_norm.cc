#include "server/ops/normalization.h"

namespace gradus {
namespace {

struct BatchNorm : Normalization<BatchNorm> {
  static constexpr auto kCase = v1::Node::kBatchNorm;
  static constexpr std::string_view kFormula =
      "y = gamma (input - mean) / d + beta, d = sqrt(variance + variance_epsilon) or, with "
      "EPSILON_PLACEMENT_OUTSIDE_ROOT, sqrt(variance) + variance_epsilon; mean and variance per "
      "channel over all other axes";

  static DenominatorOffset Offset(const v1::Node& node) {
    return ReadVarianceOffset(node.batch_norm());
  }
  static bool IsUnbiased(const v1::Node& node) { return node.batch_norm().unbiased(); }
  static absl::StatusOr<NormalizationLayout> FindLayout(const v1::Node& node, const Shape& x) {
    const v1::BatchNorm& message = node.batch_norm();
    const absl::StatusOr<int> axis = FindChannelAxis(
        OpOf<BatchNorm>().name(), message.has_channel_axis() ? message.channel_axis() : 1, x);
    if (!axis.ok()) return axis.status();
    return NormalizationLayout::PerChannel(x, *axis);
  }
};

}  // namespace

const Op& BatchNormOp() { return OpOf<BatchNorm>(); }

}  // namespace gradus
