#include "server/kernels/interruption.h"
#include "server/ops/normalization.h"

namespace gradus {
namespace {

// Elementwise but for the parameters: the statistics are operands, so nothing flows through them to
// the input.
struct BatchNormInference : OpBase {
  static constexpr auto kCase = v1::Node::kBatchNormInference;
  static constexpr std::string_view kFormula =
      "y = gamma (input - mean) / d + beta, d = sqrt(variance + variance_epsilon) or, with "
      "EPSILON_PLACEMENT_OUTSIDE_ROOT, sqrt(variance) + variance_epsilon";
  static constexpr std::string_view kVjp =
      "grad(input) = w / d, w = u gamma; over all axes but that of the channels, grad(mean) = "
      "-sum of w / d, grad(variance) = -sum of w (input - mean) / (2 r d^2), r the root in d, "
      "grad(gamma) = sum of u (input - mean) / d, grad(beta) = sum of u";
  static constexpr std::string_view kKinks =
      "variance = 0 without an epsilon in the root: derivative infinite by variance";
  static constexpr std::string_view kOperands[] = {"input", "mean", "variance", "gamma", "beta"};
  static constexpr int kOptionalOperands = 2;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& x = call.operands[0];
    if (absl::Status s =
            CheckOffset(Offset(call.node), OpOf<BatchNormInference>().name(), "variance_epsilon");
        !s.ok()) {
      return s;
    }
    const absl::StatusOr<int> axis = FindAxis(call.node, x);
    if (!axis.ok()) return axis.status();
    if (absl::Status s = CheckParameters(call, kOperands, 1, Shape{x[*axis]}); !s.ok()) return s;
    return x;
  }

  static double Flops(const ShapeCall&, const Shape& output) {
    return 10.0 * static_cast<double>(output.element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    ForEachElement(call, [&](int64_t i, int64_t channel, const Denominator<T>& denominator) {
      output[i] = (call[0][i] - call[1][channel]) / denominator.value;
      if (call.operand_count() > 3) output[i] *= call[3][channel];
      if (call.operand_count() > 4) output[i] += call[4][channel];
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    ForEachElement(call, [&](int64_t i, int64_t channel, const Denominator<T>& denominator) {
      const T& u = call.upstream[i];
      const T weighted = call.operand_count() > 3 ? u * call[3][channel] : u;
      const T normalized = (call[0][i] - call[1][channel]) / denominator.value;
      switch (position) {
        case 0:
          gradient[i] += weighted / denominator.value;
          break;
        case 1:
          gradient[channel] -= weighted / denominator.value;
          break;
        case 2:
          gradient[channel] -=
              weighted * normalized / (T(2) * denominator.root * denominator.value);
          break;
        case 3:
          gradient[channel] += u * normalized;
          break;
        default:
          gradient[channel] += u;
      }
    });
  }

 private:
  static DenominatorOffset Offset(const v1::Node& node) {
    return ReadVarianceOffset(node.batch_norm_inference());
  }

  static absl::StatusOr<int> FindAxis(const v1::Node& node, const Shape& x) {
    const v1::BatchNormInference& message = node.batch_norm_inference();
    return FindChannelAxis(OpOf<BatchNormInference>().name(),
                           message.has_channel_axis() ? message.channel_axis() : 1, x);
  }

  // Calls f(i, channel, denominator) for each element of the input.
  template <class T, class F>
  static void ForEachElement(const OpCall<T>& call, F f) {
    const Shape& x = call[0].shape();
    const NormalizationLayout layout = NormalizationLayout::PerChannel(x, *FindAxis(call.node, x));
    ForEachIndex(layout.group_count, [&](int64_t channel) {
      const Denominator<T> denominator(call[2][channel], Offset(call.node));
      layout.Group(channel).ForEach([&](int64_t i) { f(i, channel, denominator); });
    });
  }
};

}  // namespace

const Op& BatchNormInferenceOp() { return OpOf<BatchNormInference>(); }

}  // namespace gradus
