#include "server/ops/attribute_checks.h"
#include "server/ops/elementwise.h"

namespace gradus {
namespace {

struct Scale : ElementwiseFunction<Scale> {
  using OpBase::Flops;
  static constexpr auto kCase = v1::Node::kScale;
  static constexpr std::string_view kFormula = "y = factor x";
  static constexpr std::string_view kVjp = "grad(x) = factor u";

  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckFinite("scale.factor", node.scale().factor());
  }
  template <class T>
  static T Value(const v1::Node& node, const T& x) {
    return T(node.scale().factor()) * x;
  }
  template <class T>
  static T Derivative(const v1::Node& node, const T&) {
    return T(node.scale().factor());
  }
};

}  // namespace

const Op& ScaleOp() { return OpOf<Scale>(); }

}  // namespace gradus
