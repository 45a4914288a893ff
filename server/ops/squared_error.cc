#include "server/ops/loss.h"

namespace gradus {
namespace {

struct SquaredError : ElementwiseLoss<SquaredError> {
  static constexpr auto kCase = v1::Node::kSquaredError;
  static constexpr std::string_view kFormula = "term = (prediction - target)^2";
  static constexpr std::string_view kVjp =
      "grad(prediction) = 2 u (prediction - target), grad(target) = -grad(prediction)";
  static constexpr std::string_view kReductionField = "squared_error.reduction";

  static v1::Reduction GetReduction(const v1::Node& node) {
    return node.squared_error().reduction();
  }
  template <class T>
  static T Term(const T& y, const T& t) {
    return (y - t) * (y - t);
  }
  template <class T>
  static T PredictionSlope(const T& y, const T& t) {
    return T(2) * (y - t);
  }
  template <class T>
  static T TargetSlope(const T& y, const T& t) {
    return T(2) * (t - y);
  }
};

}  // namespace

const Op& SquaredErrorOp() { return OpOf<SquaredError>(); }

}  // namespace gradus
