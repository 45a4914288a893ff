#include "server/ops/elementwise.h"

namespace gradus {
namespace {

struct Negate : ElementwiseFunction<Negate> {
  using OpBase::Flops;
  static constexpr auto kCase = v1::Node::kNegate;
  static constexpr std::string_view kFormula = "y = -x";
  static constexpr std::string_view kVjp = "grad(x) = -u";

  template <class T>
  static T Value(const v1::Node&, const T& x) {
    return -x;
  }
  template <class T>
  static T Derivative(const v1::Node&, const T&) {
    return T(-1);
  }
};

}  // namespace

const Op& NegateOp() { return OpOf<Negate>(); }

}  // namespace gradus
