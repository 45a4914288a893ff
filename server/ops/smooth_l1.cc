#include <cmath>

#include "server/ops/attribute_checks.h"
#include "server/ops/bent_line.h"
#include "server/ops/loss.h"

namespace gradus {
namespace {

// Of r / beta, whose square overflows or vanishes only where it does not count. Both pieces then
// have the same value and slope where they meet, to the last digit: no kink.
struct SmoothL1 : ElementwiseLoss<SmoothL1> {
  static constexpr auto kCase = v1::Node::kSmoothL1;
  static constexpr std::string_view kFormula =
      "term = r^2 / (2 beta) where |r| < beta, else |r| - beta / 2, r = prediction - target";
  static constexpr std::string_view kVjp =
      "grad(prediction) = u r / beta, with r / beta limited to -1 ... 1; grad(target) = "
      "-grad(prediction)";

  static const v1::SmoothL1& Attributes(const v1::Node& node) { return node.smooth_l1(); }
  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckPositive("smooth_l1.beta", Limit(node));
  }
  template <class T>
  static T Term(const v1::Node& node, const T& y, const T& t) {
    const double limit = Limit(node);
    const T r = y - t;
    const T ratio = r / T(limit);
    // Far out on the line the ratio overflows, but |r| does not.
    if (std::isinf(PlainValue(ratio))) return Absolute(r) - T(limit / 2);
    return T(limit) * BentLine(ratio, 1, T(T(0.5) * Square(ratio)),
                               [](const T& magnitude) { return magnitude - T(0.5); });
  }
  template <class T>
  static T PredictionSlope(const v1::Node& node, const T& y, const T& t) {
    return LimitMagnitude(T((y - t) / T(Limit(node))), 1);
  }
  template <class T>
  static T TargetSlope(const v1::Node& node, const T& y, const T& t) {
    return LimitMagnitude(T((t - y) / T(Limit(node))), 1);
  }

 private:
  static double Limit(const v1::Node& node) {
    return node.smooth_l1().has_beta() ? node.smooth_l1().beta() : 1;
  }
};

}  // namespace

const Op& SmoothL1Op() { return OpOf<SmoothL1>(); }

}  // namespace gradus
