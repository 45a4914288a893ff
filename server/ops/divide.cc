#include "server/ops/elementwise.h"

namespace gradus {
namespace {

// The square of b is never made: it overflows, or becomes 0, long before the quotients do.
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
  static T DerivativeOfA(const v1::Node&, const T&, const T& b) {
    return T(1) / b;
  }
  template <class T>
  static T DerivativeOfB(const v1::Node&, const T& a, const T& b) {
    return -(a / b) / b;
  }
};

}  // namespace

const Op& DivideOp() { return OpOf<Divide>(); }

}  // namespace gradus
