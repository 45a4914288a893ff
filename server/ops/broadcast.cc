#include "server/kernels/broadcast.h"

#include "fmt/format.h"
#include "server/ops/op.h"
#include "server/ops/shape_attribute.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Broadcast : OpBase {
  static constexpr auto kCase = v1::Node::kBroadcast;
  static constexpr std::string_view kFormula = "y = x, repeated along axes";
  static constexpr std::string_view kVjp = "grad(x) = u, summed over the repetitions";
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& x = call.operands[0];
    absl::StatusOr<Shape> shape = ReadShapeAttribute(call.node.broadcast().shape(),
                                                     "broadcast.shape", UnknownLength::kRefuse);
    if (shape.ok() && BroadcastShape(x, *shape) != *shape) {
      return FieldError("broadcast.shape", Reason::kShapeMismatch,
                        fmt::format("input of shape {} does not broadcast to {}", x.ToString(),
                                    shape->ToString()));
    }
    return shape;
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    BroadcastCopy(call[0], output);
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    BroadcastSumAdd(call.upstream.shape(), gradient.shape(), gradient.data(),
                    [&](int64_t i) { return call.upstream[i]; });
  }
};

}  // namespace

const Op& BroadcastOp() { return OpOf<Broadcast>(); }

}  // namespace gradus
