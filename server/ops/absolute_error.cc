#include "server/ops/loss.h"
#include "server/ops/sign.h"

namespace gradus {
namespace {

struct AbsoluteError : ElementwiseLoss<AbsoluteError> {
  static constexpr auto kCase = v1::Node::kAbsoluteError;
  static constexpr std::string_view kFormula = "term = |prediction - target|";
  static constexpr std::string_view kVjp =
      "grad(prediction) = u sign(prediction - target), grad(target) = -grad(prediction)";
  static constexpr std::string_view kKinks = "prediction = target: derivative 0";

  static const v1::AbsoluteError& Attributes(const v1::Node& node) { return node.absolute_error(); }
  template <class T>
  static T Term(const v1::Node&, const T& y, const T& t) {
    return Absolute(y - t);
  }
  template <class T>
  static T PredictionSlope(const v1::Node&, const T& y, const T& t) {
    return Sign(y - t);
  }
  template <class T>
  static T TargetSlope(const v1::Node&, const T& y, const T& t) {
    return Sign(t - y);
  }
};

}  // namespace

const Op& AbsoluteErrorOp() { return OpOf<AbsoluteError>(); }

}  // namespace gradus
