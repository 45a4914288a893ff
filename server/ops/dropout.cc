#include "fmt/format.h"
#include "server/kernels/map.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Dropout : OpBase {
  static constexpr auto kCase = v1::Node::kDropout;
  static constexpr std::string_view kFormula =
      "y = input mask / q, q = 1 - rate, or 1 in plain dropout";
  static constexpr std::string_view kVjp = "grad(input) = u mask / q, grad(mask) = u input / q";
  static constexpr std::string_view kOperands[] = {"input", "mask"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const double rate = call.node.dropout().rate();
    if (!(rate >= 0 && rate < 1)) {
      return FieldError("dropout.rate", Reason::kInvalidValue,
                        fmt::format("{} is not from 0 up to, not including, 1", rate));
    }
    const Shape& x = call.operands[0];
    const Shape& mask = call.operands[1];
    if (mask != x) {
      return FieldError(
          "", Reason::kShapeMismatch,
          fmt::format("input has shape {}, mask has shape {}", x.ToString(), mask.ToString()));
    }
    return x;
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const T kept = KeptShare<T>(call.node);
    Map(call[0], call[1], output, [&](const T& x, const T& mask) { return x * mask / kept; });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const T kept = KeptShare<T>(call.node);
    MapAdd(call.upstream, call[1 - position], gradient,
           [&](const T& u, const T& other) { return u * other / kept; });
  }

 private:
  template <class T>
  static T KeptShare(const v1::Node& node) {
    return T(node.dropout().plain() ? 1 : 1 - node.dropout().rate());
  }
};

}  // namespace

const Op& DropoutOp() { return OpOf<Dropout>(); }

}  // namespace gradus
