#include "server/ops/convolution.h"

namespace gradus {
namespace {

struct ConvTranspose2d : ConvolutionFamily<ConvTranspose2d> {
  static constexpr auto kCase = v1::Node::kConvTranspose2D;
  static constexpr std::string_view kFormula =
      "y[n, g O' + o, p, q] = bias[g O' + o] + sum over c of group g and i, j, k, l with p(i, k) "
      "= p, q(j, l) = q of input[n, c, i, j] weight[c, o, k, l], p(i, k) = i stride - padding + k "
      "dilation, q(j, l) the same for the width, g = floor(c groups / C) the group of c, O' = out "
      "/ groups";
  static constexpr std::string_view kVjp =
      "grad(input[n, c, i, j]) = sum over o, k, l of u[n, g O' + o, p(i, k), q(j, l)] weight[c, "
      "o, k, l]; grad(weight[c, o, k, l]) = sum over n, i, j of u[n, g O' + o, p(i, k), q(j, l)] "
      "input[n, c, i, j]; grad(bias[o]) = sum over n, p, q of u[n, o, p, q]; u 0 outside";
  static constexpr bool kTransposed = true;

  static ConvolutionAttributes Attributes(const v1::Node& node) {
    const v1::ConvTranspose2d& message = node.conv_transpose2d();
    ConvolutionAttributes attributes = ReadConvolution(OpOf<ConvTranspose2d>().name(), 2, message);
    attributes.output_padding = EntriesOf(message.output_padding());
    return attributes;
  }
};

}  // namespace

const Op& ConvTranspose2dOp() { return OpOf<ConvTranspose2d>(); }

}  // namespace gradus
