#include "server/ops/loss.h"

namespace gradus {
namespace {

// HalfSquaredError, per element:  (y - t)^2 / 2.
// Slope with respect to y: y - t, to t: t - y.
struct HalfSquaredError : ElementwiseLoss<HalfSquaredError> {
  static constexpr auto kCase = v1::Node::kHalfSquaredError;
  static constexpr std::string_view kReductionField = "half_squared_error.reduction";

  static v1::Reduction GetReduction(const v1::Node& node) {
    return node.half_squared_error().reduction();
  }
  template <class T>
  static T Term(const T& y, const T& t) {
    return T(0.5) * (y - t) * (y - t);
  }
  template <class T>
  static T PredictionSlope(const T& y, const T& t) {
    return y - t;
  }
  template <class T>
  static T TargetSlope(const T& y, const T& t) {
    return t - y;
  }
};

}  // namespace

const Op& HalfSquaredErrorOp() { return OpOf<HalfSquaredError>(); }

}  // namespace gradus
