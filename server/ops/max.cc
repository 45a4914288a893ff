#include "server/kernels/argmax.h"
#include "server/ops/axis_reduction.h"

namespace gradus {
namespace {

struct MaxOverAxes : GroupReduction<MaxOverAxes> {
  static constexpr auto kCase = v1::Node::kMax;
  static constexpr std::string_view kFormula = "y = largest x over the axes";
  static constexpr std::string_view kVjp = "grad(x) = u for the largest x, 0 for the others";
  static constexpr std::string_view kKinks =
      "a tie of the largest: derivative 1 by the first of them, 0 by the others";

  static const v1::Max& Attributes(const v1::Node& node) { return node.max(); }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 10.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static T Value(const v1::Node&, std::span<const T> x) {
    return Largest(x);
  }

  template <class T>
  static void Derivatives(const v1::Node&, std::span<const T> x, const T&,
                          std::vector<T>& derivatives) {
    LargestWeights(x, derivatives);
  }
};

}  // namespace

const Op& MaxOp() { return OpOf<MaxOverAxes>(); }

}  // namespace gradus
