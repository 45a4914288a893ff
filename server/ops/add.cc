#include "server/kernels/broadcast.h"
#include "server/ops/elementwise.h"
#include "server/ops/op.h"

namespace gradus {
namespace {

struct Add : OpBase {
  static constexpr auto kCase = v1::Node::kAdd;
  static constexpr std::string_view kFormula = "y = a + b + ...";
  static constexpr std::string_view kVjp = "grad of each = u, summed over what it was broadcast to";
  static constexpr std::string_view kOperands[] = {"a", "b"};
  static constexpr bool kVariadic = true;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    return InferBroadcastShape(call);
  }

  static double Flops(const ShapeCall& call, const Shape& output) {
    return OpBase::Flops(call, output) * static_cast<double>(call.operands.size());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    for (const Tensor<T>* operand : call.operands) {
      BroadcastMap(output, *operand, output, [](const T& sum, const T& x) { return sum + x; });
    }
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    BroadcastSumAdd(call.upstream.shape(), gradient.shape(), gradient.data(),
                    [&](int64_t i) { return call.upstream[i]; });
  }
};

}  // namespace

const Op& AddOp() { return OpOf<Add>(); }

}  // namespace gradus
