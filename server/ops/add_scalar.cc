#include "server/ops/attribute_checks.h"
#include "server/ops/elementwise.h"

namespace gradus {
namespace {

struct AddScalar : ElementwiseFunction<AddScalar> {
  using OpBase::Flops;
  static constexpr auto kCase = v1::Node::kAddScalar;
  static constexpr std::string_view kFormula = "y = x + value";
  static constexpr std::string_view kVjp = "grad(x) = u";

  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckFinite("add_scalar.value", node.add_scalar().value());
  }
  template <class T>
  static T Value(const v1::Node& node, const T& x) {
    return x + T(node.add_scalar().value());
  }
  template <class T>
  static T Derivative(const v1::Node&, const T&) {
    return T(1);
  }
};

}  // namespace

const Op& AddScalarOp() { return OpOf<AddScalar>(); }

}  // namespace gradus
