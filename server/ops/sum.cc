#include "server/ops/axis_reduction.h"

namespace gradus {
namespace {

struct Sum : AxisReduction<Sum> {
  static constexpr auto kCase = v1::Node::kSum;
  static constexpr std::string_view kFormula = "y = sum of x over the axes";
  static constexpr std::string_view kVjp = "grad(x) = u, repeated along the axes";

  static const v1::Sum& Attributes(const v1::Node& node) { return node.sum(); }

  template <class T>
  static T Divisor(int64_t) {
    return T(1);
  }
};

}  // namespace

const Op& SumOp() { return OpOf<Sum>(); }

}  // namespace gradus
