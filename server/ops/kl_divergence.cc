#include <cmath>

#include "server/ops/loss.h"

namespace gradus {
namespace {

// An element with t = 0 is left out, so that it gives 0 and not 0 * infinity.
struct KlDivergence : ElementwiseLoss<KlDivergence> {
  static constexpr auto kCase = v1::Node::kKlDivergence;
  static constexpr std::string_view kFormula =
      "term = t (log t - y), t = target, y = prediction, or log prediction with from_probabilities";
  static constexpr std::string_view kVjp =
      "grad(y) = -u t, grad(t) = u (log t + 1 - y), "
      "grad(prediction) = grad(y) / prediction with from_probabilities";
  static constexpr std::string_view kKinks = "t = 0: grad(t) = -u infinity, as the formula says";

  static const v1::KlDivergence& Attributes(const v1::Node& node) { return node.kl_divergence(); }

  template <class T>
  static T Term(const v1::Node& node, const T& prediction, const T& t) {
    using std::log;
    using std::sqrt;
    if (IsConstantZero(t)) return T(0);
    const T y = LogPrediction(node, prediction);
    // For a t that moves away from 0: t log t there has the value of -sqrt(t), and its slope.
    if (PlainValue(t) == 0) return -sqrt(t) - t * y;
    return t * (log(t) - y);
  }
  template <class T>
  static T PredictionSlope(const v1::Node& node, const T& prediction, const T& t) {
    if (IsConstantZero(t)) return T(0);
    return node.kl_divergence().from_probabilities() ? -t / prediction : -t;
  }
  template <class T>
  static T TargetSlope(const v1::Node& node, const T& prediction, const T& t) {
    using std::log;
    return log(t) - LogPrediction(node, prediction) + T(1);
  }

 private:
  template <class T>
  static T LogPrediction(const v1::Node& node, const T& prediction) {
    using std::log;
    return node.kl_divergence().from_probabilities() ? log(prediction) : prediction;
  }
};

}  // namespace

const Op& KlDivergenceOp() { return OpOf<KlDivergence>(); }

}  // namespace gradus
