#include "server/ops/class_loss.h"

namespace gradus {
namespace {

// A class with weight 0 is left out, so that y_c = -infinity there gives 0, and so does an infinite
// upstream gradient, which comes from a mean over no weight at all.
struct NegativeLogLikelihood : ClassLoss<NegativeLogLikelihood> {
  static constexpr auto kCase = v1::Node::kNegativeLogLikelihood;
  static constexpr std::string_view kFormula =
      "term = -w_c prediction_c, c = target, w = class_weights";
  static constexpr std::string_view kVjp = "grad(prediction_c) = -u w_c for c = target, else 0";
  static constexpr bool kTakesSoftLabels = false;

  static const v1::NegativeLogLikelihood& Attributes(const v1::Node& node) {
    return node.negative_log_likelihood();
  }

  template <class T>
  static T Term(const v1::Node&, const ClassExample<T>& y) {
    const int64_t c = y.Index();
    const T weight = y.target.Weight(c);
    return IsConstantZero(weight) ? T(0) : T(T(0) - weight * y[c]);
  }

  template <class T>
  static void AddGradient(const v1::Node&, const ClassExample<T>& y, int, const T& upstream,
                          T* gradient) {
    const int64_t c = y.Index();
    const T weight = y.target.Weight(c);
    if (!IsConstantZero(weight)) gradient[c] -= upstream * weight;
  }
};

}  // namespace

const Op& NegativeLogLikelihoodOp() { return OpOf<NegativeLogLikelihood>(); }

}  // namespace gradus
