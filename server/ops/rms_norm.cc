#include "server/ops/normalization.h"

namespace gradus {
namespace {

struct RmsNorm : Normalization<RmsNorm> {
  static constexpr auto kCase = v1::Node::kRmsNorm;
  static constexpr std::string_view kName = "rms_norm";
  static constexpr std::string_view kOperands[] = {"input", "gamma"};
  static constexpr int kOptionalOperands = 1;
  static constexpr std::string_view kOffsetName = "mean_square_epsilon";
  static constexpr bool kCentred = false;
  static constexpr std::string_view kFormula =
      "y = input / sqrt(mean(input^2) + mean_square_epsilon) gamma, over the last axis";
  static constexpr std::string_view kVjp =
      "grad(input) = (w - (input / r) mean(w input / d)) / d with w = u gamma, d the denominator, "
      "r "
      "the root in d; grad(gamma) = sum of u input / d";

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
