#include "server/ops/activation.h"
#include "server/ops/attribute_checks.h"

namespace gradus {
namespace {

struct Relu : Activation<Relu> {
  static constexpr auto kCase = v1::Node::kRelu;
  static constexpr std::string_view kFormula = "a = z where z > 0, else 0";
  static constexpr std::string_view kVjp = "grad(z) = u where z > 0, 0 where z < 0";
  static constexpr std::string_view kKinks = "z = 0: derivative slope_at_kink";

  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckFromTo("relu.slope_at_kink", node.relu().slope_at_kink(), 0, 1);
  }
  static double Flops(const ShapeCall&, const Shape& output) {
    return static_cast<double>(output.element_count());
  }
  template <class T>
  static T Value(const v1::Node& node, const T& z) {
    const double slope = node.relu().slope_at_kink();
    if (slope == 0) return Max(T(0), z);
    // z where it counts, without the part of an interval below 0.
    const T above = Max(z, T(0));
    return SelectPositive(z, above, SelectPositive(-z, T(0), T(slope) * above));
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& z, const T&) {
    const double slope = node.relu().slope_at_kink();
    return SelectPositive(z, T(1), slope == 0 ? T(0) : SelectPositive(-z, T(0), T(slope)));
  }
};

}  // namespace

const Op& ReluOp() { return OpOf<Relu>(); }

}  // namespace gradus
