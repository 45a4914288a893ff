#include "server/ops/attribute_checks.h"
#include "server/ops/logistic.h"
#include "server/ops/loss.h"

namespace gradus {
namespace {

// As w t log(1 + exp(-z)) + (1 - t) log(1 + exp(z)), a sum of positive terms that neither overflows
// nor cancels; the gradient as (1 - t) sigmoid(z) - w t sigmoid(-z).
struct BinaryCrossEntropyWithLogits : ElementwiseLoss<BinaryCrossEntropyWithLogits> {
  static constexpr auto kCase = v1::Node::kBinaryCrossEntropyWithLogits;
  static constexpr std::string_view kFormula =
      "term = -(w t log s + (1 - t) log(1 - s)), s = sigmoid(z), z = prediction, t = target, w = "
      "positive_weight";
  static constexpr std::string_view kVjp =
      "grad(z) = u ((1 - t) s - w t (1 - s)), which is u (s - t) for w = 1; grad(t) = u (log(1 - "
      "s) - w log s)";

  static const v1::BinaryCrossEntropyWithLogits& Attributes(const v1::Node& node) {
    return node.binary_cross_entropy_with_logits();
  }
  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckPositive("binary_cross_entropy_with_logits.positive_weight", PositiveWeight(node));
  }
  template <class T>
  static T Term(const v1::Node& node, const T& z, const T& t) {
    return T(PositiveWeight(node)) * t * SoftPlus(-z) + (T(1) - t) * SoftPlus(z);
  }
  template <class T>
  static T PredictionSlope(const v1::Node& node, const T& z, const T& t) {
    return (T(1) - t) * Logistic(z) - T(PositiveWeight(node)) * t * Logistic(-z);
  }
  // w log(1 + exp(-z)) - log(1 + exp(z)), without the large part that both have in common.
  template <class T>
  static T TargetSlope(const v1::Node& node, const T& z, const T&) {
    const T weight = T(PositiveWeight(node));
    // Both are the same function, so this is no kink.
    if (PlainValue(z) > 0) return (weight - T(1)) * SoftPlus(-z) - z;
    return (weight - T(1)) * SoftPlus(z) - weight * z;
  }

 private:
  static double PositiveWeight(const v1::Node& node) {
    const v1::BinaryCrossEntropyWithLogits& attributes = node.binary_cross_entropy_with_logits();
    return attributes.has_positive_weight() ? attributes.positive_weight() : 1;
  }
};

}  // namespace

const Op& BinaryCrossEntropyWithLogitsOp() { return OpOf<BinaryCrossEntropyWithLogits>(); }

}  // namespace gradus
