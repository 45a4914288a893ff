#include "server/ops/attribute_checks.h"
#include "server/ops/elementwise.h"

namespace gradus {
namespace {

struct ConstantPower : ElementwiseFunction<ConstantPower> {
  static constexpr auto kCase = v1::Node::kPower;
  static constexpr std::string_view kFormula = "y = x^exponent";
  static constexpr std::string_view kVjp = "grad(x) = u exponent x^(exponent - 1)";
  static constexpr std::string_view kKinks = "x = 0, if 0 < exponent < 1: derivative infinite";

  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckFinite("power.exponent", node.power().exponent());
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
