#include <cmath>

#include "server/ops/activation.h"
#include "server/ops/bounds.h"
#include "server/ops/logistic.h"

namespace gradus {
namespace {

// Phi from erfc, and (1 + tanh(t)) / 2 as the logistic function of 2 t: 1 + erf and 1 + tanh would
// lose their digits below 0.
struct Gelu : Activation<Gelu> {
  static constexpr auto kCase = v1::Node::kGelu;
  static constexpr std::string_view kFormula =
      "a = z Phi(z), Phi(z) = (1 + erf(z / sqrt(2))) / 2; with tanh_approximation Phi(z) = (1 + "
      "tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2";
  static constexpr std::string_view kVjp = "grad(z) = u (Phi(z) + z Phi'(z))";

  template <class T>
  static T Value(const v1::Node& node, const T& z) {
    return z * (node.gelu().tanh_approximation() ? Logistic(TwiceArgument(Near(z))) : Phi(z));
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& z, const T&) {
    return node.gelu().tanh_approximation() ? ApproximateSlope(z) : Phi(z) + z * Density(z);
  }

 private:
  static constexpr double kTwiceRootTwoOverPi = 1.5957691216057308;
  static constexpr double kCubic = 0.044715;

  template <class T>
  static T Phi(const T& z) {
    using std::erfc;
    constexpr double kRootHalf = 0.70710678118654752;
    return T(0.5) * erfc(T(-kRootHalf) * z);
  }
  // Phi', the density of the normal distribution.
  template <class T>
  static T Density(const T& z) {
    using std::exp;
    constexpr double kOneOverRootTwoPi = 0.39894228040143268;
    return T(kOneOverRootTwoPi) * exp(T(-0.5) * Square(z));
  }

  // Further out Phi is 0 or 1 to the last digit, and its slope 0, while powers of z overflow.
  template <class T>
  static T Near(const T& z) {
    return Limit({.min = -1e10, .max = 1e10}, z);
  }
  // Twice the argument of tanh.
  template <class T>
  static T TwiceArgument(const T& z) {
    return T(kTwiceRootTwoOverPi) * (z + T(kCubic) * (z * Square(z)));
  }
  // With the logistic function l of t: (z l(t))' = l(t) + z l(t) (1 - l(t)) t'.
  template <class T>
  static T ApproximateSlope(const T& z) {
    const T near = Near(z);
    const T argument = TwiceArgument(near);
    const T argument_slope = T(kTwiceRootTwoOverPi) * (T(1) + T(3 * kCubic) * Square(near));
    return Logistic(argument) * (T(1) + near * argument_slope * Logistic(-argument));
  }
};

}  // namespace

const Op& GeluOp() { return OpOf<Gelu>(); }

}  // namespace gradus
