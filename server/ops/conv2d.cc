#include "server/ops/convolution.h"

namespace gradus {
namespace {

struct Conv2d : ConvolutionFamily<Conv2d> {
  static constexpr auto kCase = v1::Node::kConv2D;
  static constexpr std::string_view kFormula =
      "y[n, o, i, j] = bias[o] + sum over c, k, l of weight[o, c, k, l] input[n, g C' + c, p(i, "
      "k), q(j, l)], p(i, k) = i stride - padding + k dilation, q(j, l) the same for the width, g "
      "= floor(o groups / out) the group of o, C' = C / groups, input 0 outside";
  static constexpr std::string_view kVjp =
      "grad(input[n, g C' + c, p, q]) = sum over o of group g and i, j, k, l with p(i, k) = p, "
      "q(j, l) = q of u[n, o, i, j] weight[o, c, k, l]; grad(weight[o, c, k, l]) = sum over n, i, "
      "j of u[n, o, i, j] input[n, g C' + c, p(i, k), q(j, l)]; grad(bias[o]) = sum over n, i, j "
      "of u[n, o, i, j]";
  static constexpr bool kTransposed = false;

  static ConvolutionAttributes Attributes(const v1::Node& node) {
    return ReadConvolution(OpOf<Conv2d>().name(), 2, node.conv2d());
  }
};

}  // namespace

const Op& Conv2dOp() { return OpOf<Conv2d>(); }

}  // namespace gradus
