#include <cmath>

#include "server/ops/attribute_checks.h"
#include "server/ops/loss.h"

namespace gradus {
namespace {

// A half whose factor is 0 is left out, so that p = t = 1 gives 0 and not 0 * infinity.
struct BinaryCrossEntropy : ElementwiseLoss<BinaryCrossEntropy> {
  static constexpr auto kCase = v1::Node::kBinaryCrossEntropy;
  static constexpr std::string_view kFormula =
      "term = -(w t log p + (1 - t) log(1 - p)), p = prediction, t = target, w = positive_weight";
  static constexpr std::string_view kVjp =
      "grad(p) = u ((1 - t) / (1 - p) - w t / p), grad(t) = u (log(1 - p) - w log p)";

  static const v1::BinaryCrossEntropy& Attributes(const v1::Node& node) {
    return node.binary_cross_entropy();
  }
  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckPositive("binary_cross_entropy.positive_weight", PositiveWeight(node));
  }
  template <class T>
  static T Term(const v1::Node& node, const T& p, const T& t) {
    using std::log;
    using std::log1p;
    const T positive = T(PositiveWeight(node)) * t;
    const T negative = T(1) - t;
    T term = T(0);
    if (!IsConstantZero(positive)) term -= positive * log(p);
    if (!IsConstantZero(negative)) term -= negative * log1p(-p);
    return term;
  }
  template <class T>
  static T PredictionSlope(const v1::Node& node, const T& p, const T& t) {
    const T positive = T(PositiveWeight(node)) * t;
    const T negative = T(1) - t;
    T slope = T(0);
    if (!IsConstantZero(positive)) slope -= positive / p;
    if (!IsConstantZero(negative)) slope += negative / (T(1) - p);
    return slope;
  }
  template <class T>
  static T TargetSlope(const v1::Node& node, const T& p, const T&) {
    using std::log;
    using std::log1p;
    return log1p(-p) - T(PositiveWeight(node)) * log(p);
  }

 private:
  static double PositiveWeight(const v1::Node& node) {
    const v1::BinaryCrossEntropy& attributes = node.binary_cross_entropy();
    return attributes.has_positive_weight() ? attributes.positive_weight() : 1;
  }
};

}  // namespace

const Op& BinaryCrossEntropyOp() { return OpOf<BinaryCrossEntropy>(); }

}  // namespace gradus
