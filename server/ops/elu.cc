#include "server/ops/activation.h"
#include "server/ops/attribute_checks.h"
#include "server/ops/exponential_linear.h"

namespace gradus {
namespace {

struct Elu : Activation<Elu> {
  static constexpr auto kCase = v1::Node::kElu;
  static constexpr std::string_view kFormula = "a = z where z > 0, else alpha (exp(z) - 1)";
  static constexpr std::string_view kVjp = "grad(z) = u where z > 0, else u alpha exp(z)";
  static constexpr std::string_view kKinks = "z = 0, unless alpha = 1: derivative alpha";

  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckFinite("elu.alpha", Alpha(node));
  }
  template <class T>
  static T Value(const v1::Node& node, const T& z) {
    return ExponentialLinear(Alpha(node), z);
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& z, const T&) {
    return ExponentialLinearSlope(Alpha(node), z);
  }

 private:
  static double Alpha(const v1::Node& node) {
    return node.elu().has_alpha() ? node.elu().alpha() : 1;
  }
};

}  // namespace

const Op& EluOp() { return OpOf<Elu>(); }

}  // namespace gradus
