#include "server/ops/normalization.h"

namespace gradus {
namespace {

struct RmsNorm : Normalization<RmsNorm> {
  static constexpr auto kCase = v1::Node::kRmsNorm;
  static constexpr std::string_view kOperands[] = {"input", "gamma"};
  static constexpr int kOptionalOperands = 1;
  static constexpr std::string_view kOffsetName = "mean_square_epsilon";
  static constexpr bool kCentred = false;
  static constexpr std::string_view kFormula =
      "y = gamma input / d, d = sqrt(mean(input^2) + mean_square_epsilon) or, with "
      "EPSILON_PLACEMENT_OUTSIDE_ROOT, sqrt(mean(input^2)) + mean_square_epsilon; mean over the "
      "last axis";
  static constexpr std::string_view kVjp =
      "grad(input) = (w - (input / r) mean(w input / d)) / d, w = u gamma, r the root in d; "
      "grad(gamma) = sum of u input / d over all examples";
  static constexpr std::string_view kKinks =
      "input = 0 on all of the axis without an epsilon in the root: derivative 0 of the root";

  static DenominatorOffset Offset(const v1::Node& node) {
    const v1::RmsNorm& message = node.rms_norm();
    return {message.has_mean_square_epsilon() ? message.mean_square_epsilon() : 1e-6,
            message.epsilon_placement()};
  }
  static absl::StatusOr<NormalizationLayout> FindLayout(const v1::Node&, const Shape& x) {
    if (x.rank() == 0) {
      return FieldError("", Reason::kShapeMismatch,
                        "input is a scalar, it has no axis to normalise over");
    }
    return NormalizationLayout::PerExample(x, x.rank() - 1);
  }
};

}  // namespace

const Op& RmsNormOp() { return OpOf<RmsNorm>(); }

}  // namespace gradus
