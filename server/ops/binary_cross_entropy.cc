#include <cmath>

#include "server/ops/loss.h"

namespace gradus {
namespace {

// A half whose factor is 0 is left out, so that p = t = 1 gives 0 and not 0 * infinity.
struct BinaryCrossEntropy : ElementwiseLoss<BinaryCrossEntropy> {
  static constexpr auto kCase = v1::Node::kBinaryCrossEntropy;
  static constexpr std::string_view kFormula = "term = -(t log p + (1 - t) log(1 - p))";
  static constexpr std::string_view kVjp =
      "grad(p) = u ((1 - t) / (1 - p) - t / p), grad(t) = u (log(1 - p) - log p)";
  static constexpr std::string_view kReductionField = "binary_cross_entropy.reduction";

  static v1::Reduction GetReduction(const v1::Node& node) {
    return node.binary_cross_entropy().reduction();
  }
  template <class T>
  static T Term(const T& p, const T& t) {
    using std::log;
    using std::log1p;
    T term = T(0);
    if (PlainValue(t) != 0) term -= t * log(p);
    if (PlainValue(t) != 1) term -= (T(1) - t) * log1p(-p);
    return term;
  }
  template <class T>
  static T PredictionSlope(const T& p, const T& t) {
    T slope = T(0);
    if (PlainValue(t) != 0) slope -= t / p;
    if (PlainValue(t) != 1) slope += (T(1) - t) / (T(1) - p);
    return slope;
  }
  template <class T>
  static T TargetSlope(const T& p, const T&) {
    using std::log;
    using std::log1p;
    return log1p(-p) - log(p);
  }
};

}  // namespace

const Op& BinaryCrossEntropyOp() { return OpOf<BinaryCrossEntropy>(); }

}  // namespace gradus
