#include <cmath>

#include "server/ops/loss.h"

namespace gradus {
namespace {

// An element with t = 0 is left out, so that it gives 0 and not 0 * infinity; its gradient by t,
// too, so that one-hot targets, which are data, have a finite one.
struct KlDivergence : ElementwiseLoss<KlDivergence> {
  static constexpr auto kCase = v1::Node::kKlDivergence;
  static constexpr std::string_view kFormula =
      "term = t (log t - y), t = target, y = prediction, or log prediction with from_probabilities";
  static constexpr std::string_view kVjp =
      "grad(y) = -u t, grad(t) = u (log t + 1 - y), grad(prediction) = grad(y) / prediction with "
      "from_probabilities";
  static constexpr std::string_view kKinks =
      "t = 0: derivative 0 by t, although that of the formula is -infinity";

  static const v1::KlDivergence& Attributes(const v1::Node& node) { return node.kl_divergence(); }

  template <class T>
  static T Term(const v1::Node& node, const T& prediction, const T& t) {
    using std::log;
    if (IsConstantZero(t)) return T(0);
    return UnlessZero(t, T(t * (log(t) - LogPrediction(node, prediction))));
  }
  template <class T>
  static T PredictionSlope(const v1::Node& node, const T& prediction, const T& t) {
    if (IsConstantZero(t)) return T(0);
    return node.kl_divergence().from_probabilities() ? -t / prediction : -t;
  }
  template <class T>
  static T TargetSlope(const v1::Node& node, const T& prediction, const T& t) {
    using std::log;
    if (IsConstantZero(t)) return T(0);
    return UnlessZero(t, T(log(t) - LogPrediction(node, prediction) + T(1)));
  }

 private:
  // `x`, or 0 where t = 0; a kink there if t moves.
  template <class T>
  static T UnlessZero(const T& t, const T& x) {
    return SelectPositive(t, x, SelectPositive(-t, x, T(0)));
  }
  template <class T>
  static T LogPrediction(const v1::Node& node, const T& prediction) {
    using std::log;
    return node.kl_divergence().from_probabilities() ? log(prediction) : prediction;
  }
};

}  // namespace

const Op& KlDivergenceOp() { return OpOf<KlDivergence>(); }

}  // namespace gradus
