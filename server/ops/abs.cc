#include "server/ops/elementwise.h"
#include "server/ops/sign.h"

namespace gradus {
namespace {

struct Abs : ElementwiseFunction<Abs> {
  using OpBase::Flops;
  static constexpr auto kCase = v1::Node::kAbs;
  static constexpr std::string_view kFormula = "y = |x|";
  static constexpr std::string_view kVjp = "grad(x) = u where x > 0, -u where x < 0";
  static constexpr std::string_view kKinks = "x = 0: derivative 0";

  template <class T>
  static T Value(const v1::Node&, const T& x) {
    return Absolute(x);
  }
  template <class T>
  static T Derivative(const v1::Node&, const T& x) {
    return Sign(x);
  }
};

}  // namespace

const Op& AbsOp() { return OpOf<Abs>(); }

}  // namespace gradus
