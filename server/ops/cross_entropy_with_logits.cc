#include "server/kernels/interruption.h"
#include "server/ops/class_loss.h"
#include "server/ops/softmax_lane.h"

namespace gradus {
namespace {

// The gradient as u (p_c sum_{d != c} f_d - f_c (1 - p_c)), which keeps its digits where p_c is
// near f_c = 1. A class with f_c = 0 is left out of the loss, so that it adds nothing even where
// its logarithm overflows; and an example without another class is left out of the gradient, even
// where the upstream gradient is infinite.
struct CrossEntropyWithLogits : ClassLoss<CrossEntropyWithLogits> {
  static constexpr auto kCase = v1::Node::kCrossEntropyWithLogits;
  static constexpr std::string_view kFormula =
      "term = -sum_c f_c log p_c, p = softmax(z), f_c = w_c ((1 - s) t_c + s / C), s = "
      "label_smoothing, w = class_weights, z = prediction, t = target";
  static constexpr std::string_view kVjp =
      "grad(z_c) = u (p_c sum_d f_d - f_c), grad(t_c) = -u w_c (1 - s) log p_c";

  static const v1::CrossEntropyWithLogits& Attributes(const v1::Node& node) {
    return node.cross_entropy_with_logits();
  }

  template <class T>
  static T Term(const v1::Node&, const ClassExample<T>& z) {
    const SoftmaxLane<T> softmax(z.prediction, z.classes());
    // Subtracted, not negated: a sure answer has loss 0, not -0.
    T sum = T(0);
    ForEachIndex(z.target.classes(), [&](int64_t c) {
      const T factor = z.Factor(c);
      if (!IsConstantZero(factor)) sum -= factor * softmax.Log(c);
    });
    return sum;
  }

  template <class T>
  static void AddGradient(const v1::Node&, const ClassExample<T>& z, int position,
                          const T& upstream, T* gradient) {
    const SoftmaxLane<T> softmax(z.prediction, z.classes());
    if (position == 1) {
      ForEachIndex(z.target.classes(), [&](int64_t c) {
        const T slope = z.target.FactorSlope(c);
        if (!IsConstantZero(slope)) gradient[c] -= upstream * slope * softmax.Log(c);
      });
      return;
    }
    T total = T(0);
    bool counts = false;
    ForEachIndex(z.target.classes(), [&](int64_t c) {
      total += z.Factor(c);
      counts = counts || !IsConstantZero(z.Factor(c));
    });
    if (!counts) return;
    ForEachIndex(z.target.classes(), [&](int64_t c) {
      const T factor = z.Factor(c);
      gradient[c] +=
          upstream * (softmax.Probability(c) * (total - factor) - factor * softmax.Complement(c));
    });
  }
};

}  // namespace

const Op& CrossEntropyWithLogitsOp() { return OpOf<CrossEntropyWithLogits>(); }

}  // namespace gradus
