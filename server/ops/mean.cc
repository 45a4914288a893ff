#include "server/ops/axis_reduction.h"

namespace gradus {
namespace {

struct Mean : AxisReduction<Mean> {
  static constexpr auto kCase = v1::Node::kMean;
  static constexpr std::string_view kFormula = "y = (sum of x over the axes) / n";
  static constexpr std::string_view kVjp = "grad(x) = u / n, repeated along the axes";

  static const v1::Mean& Attributes(const v1::Node& node) { return node.mean(); }

  template <class T>
  static T Divisor(int64_t count) {
    return T(static_cast<double>(count));
  }
};

}  // namespace

const Op& MeanOp() { return OpOf<Mean>(); }

}  // namespace gradus
