#include "fmt/format.h"
#include "server/ops/activation.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Relu : Activation<Relu> {
  static constexpr auto kCase = v1::Node::kRelu;
  static constexpr std::string_view kFormula = "a = z where z > 0, else 0";
  static constexpr std::string_view kVjp = "grad(z) = u where z > 0, else 0";
  static constexpr std::string_view kKinks = "z = 0: slope_at_kink";

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const double slope = call.node.relu().slope_at_kink();
    if (!(slope >= 0 && slope <= 1)) {
      return FieldError("relu.slope_at_kink", Reason::kInvalidValue,
                        fmt::format("{} is not from 0 to 1", slope));
    }
    return call.operands[0];
  }
  static double Flops(const ShapeCall&, const Shape& output) {
    return static_cast<double>(output.element_count());
  }
  template <class T>
  static T Value(const v1::Node& node, const T& z) {
    const double slope = node.relu().slope_at_kink();
    if (slope == 0) return Max(T(0), z);
    return SelectPositive(z, z, SelectPositive(-z, T(0), T(slope) * z));
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
