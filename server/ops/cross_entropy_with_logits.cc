#include "server/ops/class_target.h"
#include "server/ops/softmax_lane.h"

namespace gradus {
namespace {

// CrossEntropyWithLogits, per example:  -sum_c t_c log softmax(z)_c, from z - max(z).
// Gradient of z_c = u (softmax(z)_c sum_d t_d - t_c), of t_c = -u log softmax(z)_c, u upstream of
// the example.
//
// A class with t_c = 0 is left out of the loss, so that it adds nothing even where its logarithm
// overflows.
struct CrossEntropyWithLogits : ClassLoss<CrossEntropyWithLogits> {
  static constexpr auto kCase = v1::Node::kCrossEntropyWithLogits;
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
      if (!target.soft()) return T(T(0) - softmax.Log(z[lane[target.Index(example)]]));
      T sum = T(0);
      for (int64_t c = 0; c < lane.length; ++c) {
        const T weight = target.Weight(example, c);
        if (PlainValue(weight) == 0) continue;
        sum -= weight * softmax.Log(z[lane[c]]);
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
      if (position == 1) {
        for (int64_t c = 0; c < lane.length; ++c) {
          gradient[lane[c]] -= upstream * softmax.Log(z[lane[c]]);
        }
      } else if (target.soft()) {
        T total = T(0);
        for (int64_t c = 0; c < lane.length; ++c) total += target.Weight(example, c);
        for (int64_t c = 0; c < lane.length; ++c) {
          gradient[lane[c]] += upstream * (softmax.Exp(z[lane[c]]) / softmax.exp_sum * total -
                                           target.Weight(example, c));
        }
      } else {
        AddIndexGradient(z, lane, softmax, target.Index(example), upstream, gradient);
      }
    }
  }

 private:
  template <class T>
  static Lane Classes(int64_t example, const ClassTarget<T>& target) {
    return {example * target.classes(), 1, target.classes()};
  }

  // At the right class p - 1 is minus the sum of the other p, which keeps its digits where p is
  // near 1.
  template <class T>
  static void AddIndexGradient(const Tensor<T>& z, const Lane& lane, const SoftmaxLane<T>& softmax,
                               int64_t index, const T& upstream, Tensor<T>& gradient) {
    T others = T(0);
    for (int64_t c = 0; c < lane.length; ++c) {
      if (c == index) continue;
      const T p = softmax.Exp(z[lane[c]]) / softmax.exp_sum;
      gradient[lane[c]] += upstream * p;
      others += p;
    }
    gradient[lane[index]] -= upstream * others;
  }
};

}  // namespace

const Op& CrossEntropyWithLogitsOp() { return OpOf<CrossEntropyWithLogits>(); }

}  // namespace gradus
