#include "server/ops/convolution.h"

namespace gradus {
namespace {

struct Conv2d : ConvolutionFamily<Conv2d> {
  static constexpr auto kCase = v1::Node::kConv2D;
  static constexpr std::string_view kFormula =
      "y[n, o, i, j] = bias[o] + sum over c, k, l of weight[o, c, k, l] input[n, c, i stride - "
      "padding + k dilation, j stride - padding + l dilation], 0 outside of the input; c over the "
      "channels of o's group";
  static constexpr std::string_view kVjp =
      "grad(input) = u weight, summed over output channels and the windows that an element is in; "
      "grad(weight) = u input, summed over examples and windows; grad(bias) = u, summed over "
      "examples and windows";
  static constexpr bool kTransposed = false;

  static ConvolutionAttributes Attributes(const v1::Node& node) {
    return ReadConvolution("conv2d", 2, node.conv2d());
  }
};

}  // namespace

const Op& Conv2dOp() { return OpOf<Conv2d>(); }

}  // namespace gradus
