#include "server/ops/loss.h"

namespace gradus {
namespace {

struct HalfSquaredError : ElementwiseLoss<HalfSquaredError> {
  static constexpr auto kCase = v1::Node::kHalfSquaredError;
  static constexpr std::string_view kFormula = "term = (prediction - target)^2 / 2";
  static constexpr std::string_view kVjp =
      "grad(prediction) = u (prediction - target), grad(target) = -grad(prediction)";
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
