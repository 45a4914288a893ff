#include <cmath>

#include "server/kernels/interruption.h"
#include "server/ops/softmax_lane.h"

namespace gradus {
namespace {

struct LogSoftmax : SoftmaxFamily<LogSoftmax> {
  static constexpr auto kCase = v1::Node::kLogSoftmax;
  static constexpr std::string_view kFormula =
      "a_i = (z_i - m) - log sum_j exp(z_j - m), m = max z";
  static constexpr std::string_view kVjp = "grad(z_i) = u_i - exp(a_i) sum_j u_j, from the output";

  static const v1::LogSoftmax& Attributes(const v1::Node& node) { return node.log_softmax(); }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& z = call[0];
    ForEachLane(z.shape(), *FindAxis(call.node, z.shape().rank()), [&](const Lane& lane) {
      const SoftmaxLane<T> softmax(z, lane);
      ForEachIndex(lane.length, [&](int64_t i) { output[lane[i]] = softmax.Log(i); });
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    using std::exp;
    const Tensor<T>& a = call.output;
    const Tensor<T>& u = call.upstream;
    ForEachLane(a.shape(), *FindAxis(call.node, a.shape().rank()), [&](const Lane& lane) {
      const T sum = LaneSum<T>(lane, [&](int64_t at) { return u[at]; });
      ForEachIndex(lane.length,
                   [&](int64_t i) { gradient[lane[i]] += u[lane[i]] - exp(a[lane[i]]) * sum; });
    });
  }
};

}  // namespace

const Op& LogSoftmaxOp() { return OpOf<LogSoftmax>(); }

}  // namespace gradus
