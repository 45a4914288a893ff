#include <cmath>

#include "server/ops/loss.h"

namespace gradus {
namespace {

// BinaryCrossEntropyWithLogits, per element:  max(z, 0) - z t + log(1 + exp(-|z|)),
// which equals -(t log s + (1 - t) log(1 - s)) with s = sigmoid(z) and never overflows.
//
// Slope with respect to z: s - t, as (1 - t) sigmoid(z) - t sigmoid(-z), which keeps its digits
// where s is near t = 1. Slope with respect to t: -z.
struct BinaryCrossEntropyWithLogits : ElementwiseLoss<BinaryCrossEntropyWithLogits> {
  static constexpr auto kCase = v1::Node::kBinaryCrossEntropyWithLogits;
  static constexpr std::string_view kReductionField = "binary_cross_entropy_with_logits.reduction";

  static v1::Reduction GetReduction(const v1::Node& node) {
    return node.binary_cross_entropy_with_logits().reduction();
  }
  template <class T>
  static T Term(const T& z, const T& t) {
    using std::exp;
    using std::log1p;
    const T positive_part = SelectPositive(z, z, T(0));
    const T minus_magnitude = SelectPositive(z, -z, z);
    return positive_part - z * t + log1p(exp(minus_magnitude));
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
};

}  // namespace

const Op& BinaryCrossEntropyWithLogitsOp() { return OpOf<BinaryCrossEntropyWithLogits>(); }

}  // namespace gradus
