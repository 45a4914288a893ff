#include <cmath>

#include "fmt/format.h"
#include "server/kernels/map.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Scale : OpBase {
  static constexpr auto kCase = v1::Node::kScale;
  static constexpr std::string_view kFormula = "y = factor x";
  static constexpr std::string_view kVjp = "grad(x) = factor u";
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const double factor = call.node.scale().factor();
    if (!std::isfinite(factor)) {
      return FieldError("scale.factor", Reason::kInvalidValue,
                        fmt::format("{} is not finite", factor));
    }
    return call.operands[0];
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const T factor = T(call.node.scale().factor());
    Map(call[0], output, [&](const T& x) { return factor * x; });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const T factor = T(call.node.scale().factor());
    MapAdd(call.upstream, gradient, [&](const T& u) { return factor * u; });
  }
};

}  // namespace

const Op& ScaleOp() { return OpOf<Scale>(); }

}  // namespace gradus
