#include <cmath>

#include "server/ops/loss.h"

namespace gradus {
namespace {

// As t log(1 + exp(-z)) + (1 - t) log(1 + exp(z)), a sum of positive terms that neither overflows
// nor cancels; the gradient as (1 - t) sigmoid(z) - t sigmoid(-z).
struct BinaryCrossEntropyWithLogits : ElementwiseLoss<BinaryCrossEntropyWithLogits> {
  static constexpr auto kCase = v1::Node::kBinaryCrossEntropyWithLogits;
  static constexpr std::string_view kFormula =
      "term = -(t log s + (1 - t) log(1 - s)), s = sigmoid(prediction)";
  static constexpr std::string_view kVjp = "grad(z) = u (s - t), grad(t) = -u z";
  static constexpr std::string_view kReductionField = "binary_cross_entropy_with_logits.reduction";

  static v1::Reduction GetReduction(const v1::Node& node) {
    return node.binary_cross_entropy_with_logits().reduction();
  }
  template <class T>
  static T Term(const T& z, const T& t) {
    return t * Softplus(-z) + (T(1) - t) * Softplus(z);
  }
  template <class T>
  static T PredictionSlope(const T& z, const T& t) {
    using std::exp;
    return (T(1) - t) / (T(1) + exp(-z)) - t / (T(1) + exp(z));
  }
  template <class T>
  static T TargetSlope(const T& z, const T&) {
    return -z;
  }

 private:
  template <class T>
  static T Softplus(const T& z) {
    using std::exp;
    using std::log1p;
    // Both are the same function, so this is no kink.
    constexpr double kLarge = 30;
    return PlainValue(z) > kLarge ? z + log1p(exp(-z)) : log1p(exp(z));
  }
};

}  // namespace

const Op& BinaryCrossEntropyWithLogitsOp() { return OpOf<BinaryCrossEntropyWithLogits>(); }

}  // namespace gradus
