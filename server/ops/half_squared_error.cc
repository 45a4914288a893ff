#include "server/ops/loss.h"

namespace gradus {
namespace {

struct HalfSquaredError : ElementwiseLoss<HalfSquaredError> {
  static constexpr auto kCase = v1::Node::kHalfSquaredError;
  static constexpr std::string_view kFormula = "term = (prediction - target)^2 / 2";
  static constexpr std::string_view kVjp =
      "grad(prediction) = u (prediction - target), grad(target) = -grad(prediction)";

  static const v1::HalfSquaredError& Attributes(const v1::Node& node) {
    return node.half_squared_error();
  }

  template <class T>
  static T Term(const v1::Node&, const T& y, const T& t) {
    return T(0.5) * Square(y - t);
  }
  template <class T>
  static T PredictionSlope(const v1::Node&, const T& y, const T& t) {
    return y - t;
  }
  template <class T>
  static T TargetSlope(const v1::Node&, const T& y, const T& t) {
    return t - y;
  }
};

}  // namespace

const Op& HalfSquaredErrorOp() { return OpOf<HalfSquaredError>(); }

}  // namespace gradus
