#include "server/ops/activation.h"
#include "server/ops/attribute_checks.h"

namespace gradus {
namespace {

struct LeakyRelu : Activation<LeakyRelu> {
  using OpBase::Flops;
  static constexpr auto kCase = v1::Node::kLeakyRelu;
  static constexpr std::string_view kFormula = "a = z where z > 0, else negative_slope z";
  static constexpr std::string_view kVjp = "grad(z) = u where z > 0, else u negative_slope";
  static constexpr std::string_view kKinks = "z = 0: derivative negative_slope";

  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckFinite("leaky_relu.negative_slope", NegativeSlope(node));
  }
  // A sum, of which one term is 0, is narrower for an interval around 0 than a choice.
  template <class T>
  static T Value(const v1::Node& node, const T& z) {
    return Max(T(0), z) + T(NegativeSlope(node)) * Min(z, T(0));
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& z, const T&) {
    return SelectPositive(z, T(1), T(NegativeSlope(node)));
  }

 private:
  static double NegativeSlope(const v1::Node& node) {
    return node.leaky_relu().has_negative_slope() ? node.leaky_relu().negative_slope() : 0.01;
  }
};

}  // namespace

const Op& LeakyReluOp() { return OpOf<LeakyRelu>(); }

}  // namespace gradus
