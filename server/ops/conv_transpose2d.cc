#include "server/ops/convolution.h"

namespace gradus {
namespace {

struct ConvTranspose2d : ConvolutionFamily<ConvTranspose2d> {
  static constexpr auto kCase = v1::Node::kConvTranspose2D;
  static constexpr std::string_view kFormula =
      "y = bias; then each input[n, c, i, j] adds weight[c, o, k, l] input[n, c, i, j] to y[n, o, "
      "i stride - padding + k dilation, j stride - padding + l dilation], if that is inside of y";
  static constexpr std::string_view kVjp =
      "grad(input) = the convolution of u with weight; grad(weight) = u input, summed over "
      "examples and windows; grad(bias) = u, summed over examples and places";
  static constexpr bool kTransposed = true;

  static ConvolutionAttributes Attributes(const v1::Node& node) {
    const v1::ConvTranspose2d& message = node.conv_transpose2d();
    ConvolutionAttributes attributes = ReadConvolution("conv_transpose2d", 2, message);
    attributes.output_padding = EntriesOf(message.output_padding());
    return attributes;
  }
};

}  // namespace

const Op& ConvTranspose2dOp() { return OpOf<ConvTranspose2d>(); }

}  // namespace gradus
