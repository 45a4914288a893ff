#include "server/kernels/broadcast.h"
#include "server/ops/elementwise.h"
#include "server/ops/op.h"

namespace gradus {
namespace {

struct Subtract : OpBase {
  static constexpr auto kCase = v1::Node::kSubtract;
  static constexpr std::string_view kFormula = "y = a - b";
  static constexpr std::string_view kVjp =
      "grad(a) = u, grad(b) = -u, each summed over what it was broadcast to";
  static constexpr std::string_view kOperands[] = {"a", "b"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    return InferBroadcastShape(call);
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    BroadcastMap(call[0], call[1], output, [](const T& a, const T& b) { return a - b; });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    BroadcastSumAdd(call.upstream.shape(), gradient.shape(), gradient.data(), [&](int64_t i) {
      return position == 0 ? call.upstream[i] : -call.upstream[i];
    });
  }
};

}  // namespace

const Op& SubtractOp() { return OpOf<Subtract>(); }

}  // namespace gradus
