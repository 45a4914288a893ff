#include <cmath>

#include "server/ops/class_target.h"

namespace gradus {
namespace {

// A class with t_c = 0 is left out, so that p_c = 0 there gives 0 and not 0 * infinity.
struct CrossEntropy : ClassLoss<CrossEntropy> {
  static constexpr auto kCase = v1::Node::kCrossEntropy;
  static constexpr std::string_view kFormula = "term = -sum_c t_c log p_c";
  static constexpr std::string_view kVjp = "grad(p_c) = -u t_c / p_c, grad(t_c) = -u log p_c";
  static constexpr std::string_view kReductionField = "cross_entropy.reduction";

  static v1::Reduction GetReduction(const v1::Node& node) {
    return node.cross_entropy().reduction();
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    using std::log;
    const Tensor<T>& p = call[0];
    const ClassTarget<T> target(call[1], p.shape());
    const auto term = [&](int64_t example) {
      T sum = T(0);
      for (int64_t c = 0; c < target.classes(); ++c) {
        const T weight = target.Weight(example, c);
        if (PlainValue(weight) == 0) continue;
        sum -= weight * log(p[example * target.classes() + c]);
      }
      return sum;
    };
    Reduction(call.node, p.shape()).Forward(term, output);
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    using std::log;
    const Tensor<T>& p = call[0];
    const ClassTarget<T> target(call[1], p.shape());
    const LossReduction reduction = Reduction(call.node, p.shape());
    for (int64_t i = 0; i < gradient.size(); ++i) {
      const int64_t example = i / target.classes();
      const T upstream = reduction.Upstream(call.upstream, example);
      const T weight = target.Weight(example, i % target.classes());
      if (position == 1) {
        gradient[i] -= upstream * log(p[i]);
      } else if (PlainValue(weight) != 0) {
        gradient[i] -= upstream * weight / p[i];
      }
    }
  }
};

}  // namespace

const Op& CrossEntropyOp() { return OpOf<CrossEntropy>(); }

}  // namespace gradus
