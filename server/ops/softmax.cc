#include "server/kernels/interruption.h"
#include "server/ops/softmax_lane.h"

namespace gradus {
namespace {

struct Softmax : SoftmaxFamily<Softmax> {
  static constexpr auto kCase = v1::Node::kSoftmax;
  static constexpr std::string_view kFormula = "a_i = exp(z_i - m) / sum_j exp(z_j - m), m = max z";
  static constexpr std::string_view kVjp = "grad(z_i) = a_i (u_i - sum_j u_j a_j), from the output";

  static const v1::Softmax& Attributes(const v1::Node& node) { return node.softmax(); }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& z = call[0];
    ForEachLane(z.shape(), *FindAxis(call.node, z.shape().rank()), [&](const Lane& lane) {
      const SoftmaxLane<T> softmax(z, lane);
      ForEachIndex(lane.length, [&](int64_t i) { output[lane[i]] = softmax.Probability(i); });
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const Tensor<T>& a = call.output;
    const Tensor<T>& u = call.upstream;
    ForEachLane(a.shape(), *FindAxis(call.node, a.shape().rank()), [&](const Lane& lane) {
      const T dot = LaneSum<T>(lane, [&](int64_t at) { return u[at] * a[at]; });
      ForEachIndex(lane.length,
                   [&](int64_t i) { gradient[lane[i]] += a[lane[i]] * (u[lane[i]] - dot); });
    });
  }
};

}  // namespace

const Op& SoftmaxOp() { return OpOf<Softmax>(); }

}  // namespace gradus
