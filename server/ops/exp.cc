#include <cmath>

#include "server/ops/elementwise.h"

namespace gradus {
namespace {

struct Exp : ElementwiseFunction<Exp> {
  static constexpr auto kCase = v1::Node::kExp;
  static constexpr std::string_view kFormula = "y = exp(x)";
  static constexpr std::string_view kVjp = "grad(x) = u exp(x)";

  template <class T>
  static T Value(const v1::Node&, const T& x) {
    using std::exp;
    return exp(x);
  }
  template <class T>
  static T Derivative(const v1::Node&, const T& x) {
    using std::exp;
    return exp(x);
  }
};

}  // namespace

const Op& ExpOp() { return OpOf<Exp>(); }

}  // namespace gradus
