#include "server/ops/convolution.h"

namespace gradus {
namespace {

struct Conv1d : ConvolutionFamily<Conv1d> {
  static constexpr auto kCase = v1::Node::kConv1D;
  static constexpr std::string_view kFormula =
      "y[n, o, i] = bias[o] + sum over c, k of weight[o, c, k] input[n, g C' + c, p(i, k)], p(i, "
      "k) = i stride - padding + k dilation, g = floor(o groups / out) the group of o, C' = C / "
      "groups, input 0 outside";
  static constexpr std::string_view kVjp =
      "grad(input[n, g C' + c, p]) = sum over o of group g and i, k with p(i, k) = p of u[n, o, "
      "i] weight[o, c, k]; grad(weight[o, c, k]) = sum over n, i of u[n, o, i] input[n, g C' + c, "
      "p(i, k)]; grad(bias[o]) = sum over n, i of u[n, o, i]";
  static constexpr bool kTransposed = false;

  static ConvolutionAttributes Attributes(const v1::Node& node) {
    return ReadConvolution(OpOf<Conv1d>().name(), 1, node.conv1d());
  }
};

}  // namespace

const Op& Conv1dOp() { return OpOf<Conv1d>(); }

}  // namespace gradus
