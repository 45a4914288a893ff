#include "server/ops/activation.h"

namespace gradus {
namespace {

// Relu, elementwise:  a = z where z > 0, else 0.
// Slope 1 where z > 0, else 0. At the kink z = 0 we take 0.
struct Relu : Activation<Relu> {
  static constexpr auto kCase = v1::Node::kRelu;

  static double Flops(const ShapeCall&, const Shape& output) {
    return static_cast<double>(output.element_count());
  }
  template <class T>
  static T Value(const v1::Node&, const T& z) {
    return SelectPositive(z, z, T(0));
  }
  template <class T>
  static T Slope(const v1::Node&, const T& z, const T&) {
    return SelectPositive(z, T(1), T(0));
  }
};

}  // namespace

const Op& ReluOp() { return OpOf<Relu>(); }

}  // namespace gradus
