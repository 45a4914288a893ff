#include "server/ops/activation.h"
#include "server/ops/exponential_linear.h"

namespace gradus {
namespace {

// The constants keep mean 0 and variance 1 (Klambauer et al. 2017).
struct Selu : Activation<Selu> {
  static constexpr auto kCase = v1::Node::kSelu;
  static constexpr std::string_view kFormula =
      "a = s z where z > 0, else s alpha (exp(z) - 1), s = 1.0507009873554805, alpha = "
      "1.6732632423543772";
  static constexpr std::string_view kVjp = "grad(z) = u s where z > 0, else u s alpha exp(z)";
  static constexpr std::string_view kKinks = "z = 0: derivative s alpha";

  template <class T>
  static T Value(const v1::Node&, const T& z) {
    return T(kScale) * ExponentialLinear(kAlpha, z);
  }
  template <class T>
  static T Slope(const v1::Node&, const T& z, const T&) {
    return T(kScale) * ExponentialLinearSlope(kAlpha, z);
  }

 private:
  static constexpr double kScale = 1.0507009873554805;
  static constexpr double kAlpha = 1.6732632423543772;
};

}  // namespace

const Op& SeluOp() { return OpOf<Selu>(); }

}  // namespace gradus
