#include "server/ops/convolution.h"

namespace gradus {
namespace {

struct Conv1d : ConvolutionFamily<Conv1d> {
  static constexpr auto kCase = v1::Node::kConv1D;
  static constexpr std::string_view kFormula =
      "y[n, o, i] = bias[o] + sum over c, k of weight[o, c, k] input[n, c, i stride - padding + "
      "k dilation], 0 outside of the input; c over the channels of o's group";
  static constexpr std::string_view kVjp =
      "grad(input) = u weight, summed over output channels and the windows that an element is in; "
      "grad(weight) = u input, summed over examples and windows; grad(bias) = u, summed over "
      "examples and windows";
  static constexpr bool kTransposed = false;

  static ConvolutionAttributes Attributes(const v1::Node& node) {
    return ReadConvolution("conv1d", 1, node.conv1d());
  }
};

}  // namespace

const Op& Conv1dOp() { return OpOf<Conv1d>(); }

}  // namespace gradus
