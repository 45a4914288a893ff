#include "server/ops/normalization.h"

namespace gradus {
namespace {

struct BatchNorm : Normalization<BatchNorm> {
  static constexpr auto kCase = v1::Node::kBatchNorm;
  static constexpr std::string_view kName = "batch_norm";
  static constexpr std::string_view kFormula =
      "y = (input - mean) / sqrt(variance + variance_epsilon) gamma + beta, mean and variance per "
      "channel over all other axes";
  static constexpr std::string_view kVjp =
      "grad(input) = (w - mean(w) - (c / r) sum(w c / d) / n) / d with w = u gamma, d the "
      "denominator, "
      "c = input - mean, r the root in d, n the divisor of the variance; grad(gamma) = sum of u c "
      "/ d, "
      "grad(beta) = sum of u";

  static DenominatorOffset Offset(const v1::Node& node) {
    return ReadVarianceOffset(node.batch_norm());
  }
  static bool IsUnbiased(const v1::Node& node) { return node.batch_norm().unbiased(); }
  static absl::StatusOr<NormalizationLayout> FindLayout(const v1::Node& node, const Shape& x) {
    const v1::BatchNorm& message = node.batch_norm();
    const absl::StatusOr<int> axis =
        FindChannelAxis(kName, message.has_channel_axis() ? message.channel_axis() : 1, x);
    if (!axis.ok()) return axis.status();
    return NormalizationLayout::PerChannel(x, *axis);
  }
};

}  // namespace

const Op& BatchNormOp() { return OpOf<BatchNorm>(); }

}  // namespace gradus
