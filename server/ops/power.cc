#include "server/ops/elementwise.h"

namespace gradus {
namespace {

struct ConstantPower : ElementwiseFunction<ConstantPower> {
  static constexpr auto kCase = v1::Node::kPower;
  static constexpr std::string_view kFormula = "y = x^exponent";
  static constexpr std::string_view kVjp = "grad(x) = u exponent x^(exponent - 1)";
  static constexpr std::string_view kKinks = "x = 0: infinite if the exponent is between 0 and 1";

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    return InferShapeIfFinite(call, "power.exponent", call.node.power().exponent());
  }
  template <class T>
  static T Value(const v1::Node& node, const T& x) {
    const double exponent = node.power().exponent();
    // A constant, also at x = 0, where the general formula is 0 times infinity.
    if (exponent == 0) return T(1);
    return Power(x, exponent);
  }
  template <class T>
  static T Derivative(const v1::Node& node, const T& x) {
    const double exponent = node.power().exponent();
    if (exponent == 0) return T(0);
    return T(exponent) * Power(x, exponent - 1);
  }
};

}  // namespace

const Op& PowerOp() { return OpOf<ConstantPower>(); }

}  // namespace gradus
