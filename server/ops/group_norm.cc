#include "server/ops/normalization.h"

namespace gradus {
namespace {

struct GroupNorm : Normalization<GroupNorm> {
  static constexpr auto kCase = v1::Node::kGroupNorm;
  static constexpr std::string_view kFormula =
      "y = gamma (input - mean) / d + beta, d = sqrt(variance + variance_epsilon) or, with "
      "EPSILON_PLACEMENT_OUTSIDE_ROOT, sqrt(variance) + variance_epsilon; mean and variance of "
      "each example over a group of channels and all spatial axes";

  static DenominatorOffset Offset(const v1::Node& node) {
    return ReadVarianceOffset(node.group_norm());
  }
  static absl::StatusOr<NormalizationLayout> FindLayout(const v1::Node& node, const Shape& x) {
    const int64_t group_count = node.group_norm().group_count();
    if (x.rank() < 2) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("input has shape {}, expected [N, C, ...]", x.ToString()));
    }
    if (group_count < 1 || x[1] % group_count != 0) {
      return FieldError("group_norm.group_count", Reason::kInvalidValue,
                        fmt::format("{} is no divisor of the {} channels of the input (shape {})",
                                    group_count, x[1], x.ToString()));
    }
    return NormalizationLayout::PerChannelGroup(x, group_count);
  }
};

}  // namespace

const Op& GroupNormOp() { return OpOf<GroupNorm>(); }

}  // namespace gradus
