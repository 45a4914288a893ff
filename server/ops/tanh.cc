#include <cmath>

#include "server/ops/activation.h"

namespace gradus {
namespace {

// The slope as (1 - a)(1 + a), which loses no digits near |a| = 1.
struct Tanh : Activation<Tanh> {
  static constexpr auto kCase = v1::Node::kTanh;
  static constexpr std::string_view kFormula = "a = tanh(z)";
  static constexpr std::string_view kVjp = "grad(z) = u (1 - a^2), from the output";

  template <class T>
  static T Value(const v1::Node&, const T& z) {
    using std::tanh;
    return tanh(z);
  }
  template <class T>
  static T Slope(const v1::Node&, const T&, const T& a) {
    return (T(1) - a) * (T(1) + a);
  }
};

}  // namespace

const Op& TanhOp() { return OpOf<Tanh>(); }

}  // namespace gradus
