#include <cmath>

#include "server/ops/elementwise.h"

namespace gradus {
namespace {

struct Sqrt : ElementwiseFunction<Sqrt> {
  static constexpr auto kCase = v1::Node::kSqrt;
  static constexpr std::string_view kFormula = "y = sqrt(x)";
  static constexpr std::string_view kVjp = "grad(x) = u / (2 sqrt(x))";
  static constexpr std::string_view kKinks = "x = 0: derivative infinite";

  template <class T>
  static T Value(const v1::Node&, const T& x) {
    using std::sqrt;
    return sqrt(x);
  }
  template <class T>
  static T Derivative(const v1::Node&, const T& x) {
    using std::sqrt;
    return T(0.5) / sqrt(x);
  }
};

}  // namespace

const Op& SqrtOp() { return OpOf<Sqrt>(); }

}  // namespace gradus
