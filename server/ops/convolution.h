#ifndef GRADUS_SERVER_OPS_CONVOLUTION_H_
#define GRADUS_SERVER_OPS_CONVOLUTION_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

#include "server/kernels/convolution.h"
#include "server/kernels/interruption.h"
#include "server/ops/op.h"
#include "server/ops/window_attributes.h"
#include "server/tensor/shape.h"

namespace gradus {

// The attributes of a convolution as they were sent.
struct ConvolutionAttributes {
  std::string_view op;  // name of its field in Node.op
  int spatial_axes;
  std::span<const int64_t> stride;
  std::span<const int64_t> padding;
  std::span<const int64_t> output_padding;
  std::span<const int64_t> dilation;
  int64_t groups;
};

// A convolution that fits its operands, and the shape of the op's output.
struct ConvolutionPlan {
  Convolution convolution;
  Shape output;
};

// The op whose input is the image and whose output is the map; operands are input, weight, and
// perhaps bias.
absl::StatusOr<ConvolutionPlan> PlanConvolution(const ConvolutionAttributes& attributes,
                                                std::span<const Shape> operands);
// The op whose input is the map and whose output is the image.
absl::StatusOr<ConvolutionPlan> PlanTransposedConvolution(const ConvolutionAttributes& attributes,
                                                          std::span<const Shape> operands);

// Cost of one product of a convolution, with laying out its windows.
double ConvolutionFlops(const Convolution& convolution);

// What convolutions have in common. `Impl` adds kCase, kFormula, kVjp and
//
//   static constexpr bool kTransposed;
//   static ConvolutionAttributes Attributes(const v1::Node& node);
template <class Impl>
struct ConvolutionFamily : OpBase {
  static constexpr std::string_view kOperands[] = {"input", "weight", "bias"};
  static constexpr int kOptionalOperands = 1;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const absl::StatusOr<ConvolutionPlan> plan = Plan(call.node, call.operands);
    if (!plan.ok()) return plan.status();
    return plan->output;
  }

  static double Flops(const ShapeCall& call, const Shape& output) {
    double numbers = static_cast<double>(output.element_count());
    for (const Shape& operand : call.operands) {
      numbers += static_cast<double>(operand.element_count());
    }
    return numbers + ConvolutionFlops(Plan(call.node, call.operands)->convolution);
  }

  static double Scratch(const ShapeCall& call, const Shape&) {
    return ConvolutionScratch(Plan(call.node, call.operands)->convolution);
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Convolution convolution = PlanOf(call);
    if (call.operand_count() > 2) {
      const Tensor<T>& bias = call[2];
      ForEachChannel(output.shape(),
                     [&](int64_t channel, int64_t i) { output[i] = bias[channel]; });
    }
    const T* const x = call[0].data();
    const T* const weight = call[1].data();
    if constexpr (Impl::kTransposed) {
      TransposedConvolveAdd(convolution, x, weight, output.data());
    } else {
      ConvolveAdd(convolution, x, weight, output.data());
    }
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Convolution convolution = PlanOf(call);
    const T* const x = call[0].data();
    const T* const weight = call[1].data();
    const T* const u = call.upstream.data();
    switch (position) {
      case 0:
        if constexpr (Impl::kTransposed) {
          ConvolveAdd(convolution, u, weight, gradient.data());
        } else {
          TransposedConvolveAdd(convolution, u, weight, gradient.data());
        }
        break;
      case 1:
        if constexpr (Impl::kTransposed) {
          ConvolutionWeightAdd(convolution, u, x, gradient.data());
        } else {
          ConvolutionWeightAdd(convolution, x, u, gradient.data());
        }
        break;
      default:
        ForEachChannel(call.upstream.shape(),
                       [&](int64_t channel, int64_t i) { gradient[channel] += u[i]; });
    }
  }

 private:
  static absl::StatusOr<ConvolutionPlan> Plan(const v1::Node& node,
                                              std::span<const Shape> operands) {
    const ConvolutionAttributes attributes = Impl::Attributes(node);
    return Impl::kTransposed ? PlanTransposedConvolution(attributes, operands)
                             : PlanConvolution(attributes, operands);
  }

  template <class T>
  static Convolution PlanOf(const OpCall<T>& call) {
    const Shape operands[] = {call[0].shape(), call[1].shape()};
    return Plan(call.node, operands)->convolution;
  }

  // Calls f(channel, i) for each element i of a tensor [N, channels, ...].
  template <class F>
  static void ForEachChannel(const Shape& shape, F f) {
    const int64_t spatial_size = shape.Slice(2, shape.rank()).element_count();
    ForEachIndex(shape[0], [&](int64_t example) {
      ForEachIndex(shape[1], [&](int64_t channel) {
        const int64_t begin = (example * shape[1] + channel) * spatial_size;
        ForEachIndex(spatial_size, [&](int64_t i) { f(channel, begin + i); });
      });
    });
  }
};

// The attributes that all convolutions have.
template <class Message>
ConvolutionAttributes ReadConvolution(std::string_view op, int spatial_axes,
                                      const Message& message) {
  return {op,
          spatial_axes,
          EntriesOf(message.stride()),
          EntriesOf(message.padding()),
          {},
          EntriesOf(message.dilation()),
          message.has_groups() ? message.groups() : 1};
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_CONVOLUTION_H_
