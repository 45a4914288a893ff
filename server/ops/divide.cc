#include "server/ops/elementwise.h"

namespace gradus {
namespace {

// Neither the square of b nor 1 / b is ever made: they overflow, or become 0, long before the
// quotients do.
struct Divide : BinaryFunction<Divide> {
  static constexpr auto kCase = v1::Node::kDivide;
  static constexpr std::string_view kFormula = "y = a / b";
  static constexpr std::string_view kVjp =
      "grad(a) = u / b, grad(b) = -u a / b^2, each summed over what it was broadcast to";

  template <class T>
  static T Value(const v1::Node&, const T& a, const T& b) {
    return a / b;
  }
  template <class T>
  static T GradientOfA(const v1::Node&, const T& u, const T&, const T& b) {
    return u / b;
  }
  template <class T>
  static T GradientOfB(const v1::Node&, const T& u, const T& a, const T& b) {
    return -(u / b) * (a / b);
  }
};

}  // namespace

const Op& DivideOp() { return OpOf<Divide>(); }

}  // namespace gradus
