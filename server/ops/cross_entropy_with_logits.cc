#include "server/ops/class_target.h"
#include "server/ops/softmax_lane.h"

namespace gradus {
namespace {

// The gradient as u (p_c sum_{d != c} t_d - t_c (1 - p_c)), which keeps its digits where p_c is
// near t_c = 1. A class with t_c = 0 is left out of the loss, so that it adds nothing even where
// its logarithm overflows.
struct CrossEntropyWithLogits : ClassLoss<CrossEntropyWithLogits> {
  static constexpr auto kCase = v1::Node::kCrossEntropyWithLogits;
  static constexpr std::string_view kFormula = "term = -sum_c t_c log p_c, p = softmax(prediction)";
  static constexpr std::string_view kVjp =
      "grad(z_c) = u (p_c sum_d t_d - t_c), grad(t_c) = -u log p_c";
  static constexpr std::string_view kReductionField = "cross_entropy_with_logits.reduction";

  static v1::Reduction GetReduction(const v1::Node& node) {
    return node.cross_entropy_with_logits().reduction();
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& z = call[0];
    const ClassTarget<T> target(call[1], z.shape());
    const auto term = [&](int64_t example) {
      const Lane lane = Classes(example, target);
      const SoftmaxLane<T> softmax(z, lane);
      // Subtracted, not negated: a sure answer has loss 0, not -0.
      if (!target.soft()) return T(T(0) - softmax.Log(target.Index(example)));
      T sum = T(0);
      for (int64_t c = 0; c < lane.length; ++c) {
        const T weight = target.Weight(example, c);
        if (PlainValue(weight) == 0) continue;
        sum -= weight * softmax.Log(c);
      }
      return sum;
    };
    Reduction(call.node, z.shape()).Forward(term, output);
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Tensor<T>& z = call[0];
    const ClassTarget<T> target(call[1], z.shape());
    const LossReduction reduction = Reduction(call.node, z.shape());
    const int64_t examples = z.size() / target.classes();
    for (int64_t example = 0; example < examples; ++example) {
      const T upstream = reduction.Upstream(call.upstream, example);
      const Lane lane = Classes(example, target);
      const SoftmaxLane<T> softmax(z, lane);
      T total = T(0);
      for (int64_t c = 0; c < lane.length; ++c) total += target.Weight(example, c);
      for (int64_t c = 0; c < lane.length; ++c) {
        const T weight = target.Weight(example, c);
        gradient[lane[c]] += position == 1 ? -upstream * softmax.Log(c)
                                           : upstream * (softmax.Probability(c) * (total - weight) -
                                                         weight * softmax.Complement(c));
      }
    }
  }

 private:
  template <class T>
  static Lane Classes(int64_t example, const ClassTarget<T>& target) {
    return {example * target.classes(), 1, target.classes()};
  }
};

}  // namespace

const Op& CrossEntropyWithLogitsOp() { return OpOf<CrossEntropyWithLogits>(); }

}  // namespace gradus
