#include "server/ops/loss.h"

namespace gradus {
namespace {

struct SquaredError : ElementwiseLoss<SquaredError> {
  static constexpr auto kCase = v1::Node::kSquaredError;
  static constexpr std::string_view kFormula = "term = (prediction - target)^2";
  static constexpr std::string_view kVjp =
      "grad(prediction) = 2 u (prediction - target), grad(target) = -grad(prediction)";

  static const v1::SquaredError& Attributes(const v1::Node& node) { return node.squared_error(); }

  template <class T>
  static T Term(const v1::Node&, const T& y, const T& t) {
    return Square(y - t);
  }
  template <class T>
  static T PredictionSlope(const v1::Node&, const T& y, const T& t) {
    return T(2) * (y - t);
  }
  template <class T>
  static T TargetSlope(const v1::Node&, const T& y, const T& t) {
    return T(2) * (t - y);
  }
};

}  // namespace

const Op& SquaredErrorOp() { return OpOf<SquaredError>(); }

}  // namespace gradus
