#include "server/kernels/broadcast.h"
#include "server/ops/elementwise.h"
#include "server/ops/op.h"

namespace gradus {
namespace {

struct Multiply : OpBase {
  static constexpr auto kCase = v1::Node::kMultiply;
  static constexpr std::string_view kFormula = "y = a b";
  static constexpr std::string_view kVjp =
      "grad(a) = u b, grad(b) = u a, each summed over what it was broadcast to";
  static constexpr std::string_view kOperands[] = {"a", "b"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    return InferBroadcastShape(call);
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    BroadcastMap(call[0], call[1], output, [](const T& a, const T& b) { return a * b; });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Tensor<T>& other = call[1 - position];
    BroadcastCursor at_other(other.shape(), call.upstream.shape());
    BroadcastSumAdd(call.upstream.shape(), gradient.shape(), gradient.data(), [&](int64_t i) {
      const T product = call.upstream[i] * other[at_other.position()];
      at_other.Next();
      return product;
    });
  }
};

}  // namespace

const Op& MultiplyOp() { return OpOf<Multiply>(); }

}  // namespace gradus
