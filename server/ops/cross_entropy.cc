#include <cmath>

#include "server/kernels/interruption.h"
#include "server/ops/class_loss.h"

namespace gradus {
namespace {

// A class with f_c = 0 is left out, so that p_c = 0 there gives 0 and not 0 * infinity.
struct CrossEntropy : ClassLoss<CrossEntropy> {
  static constexpr auto kCase = v1::Node::kCrossEntropy;
  static constexpr std::string_view kFormula =
      "term = -sum_c f_c log p_c, f_c = w_c ((1 - s) t_c + s / C), s = label_smoothing, w = "
      "class_weights, p = prediction, t = target";
  static constexpr std::string_view kVjp =
      "grad(p_c) = -u f_c / p_c, grad(t_c) = -u w_c (1 - s) log p_c";

  static const v1::CrossEntropy& Attributes(const v1::Node& node) { return node.cross_entropy(); }

  template <class T>
  static T Term(const v1::Node&, const ClassExample<T>& p) {
    using std::log;
    T sum = T(0);
    ForEachIndex(p.target.classes(), [&](int64_t c) {
      const T factor = p.Factor(c);
      if (!IsConstantZero(factor)) sum -= factor * log(p[c]);
    });
    return sum;
  }

  template <class T>
  static void AddGradient(const v1::Node&, const ClassExample<T>& p, int position,
                          const T& upstream, T* gradient) {
    using std::log;
    ForEachIndex(p.target.classes(), [&](int64_t c) {
      const T factor = position == 0 ? p.Factor(c) : p.target.FactorSlope(c);
      if (IsConstantZero(factor)) return;
      gradient[c] -= position == 0 ? upstream * factor / p[c] : upstream * factor * log(p[c]);
    });
  }
};

}  // namespace

const Op& CrossEntropyOp() { return OpOf<CrossEntropy>(); }

}  // namespace gradus
