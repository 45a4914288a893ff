#ifndef GRADUS_SERVER_OPS_AXIS_REDUCTION_H_
#define GRADUS_SERVER_OPS_AXIS_REDUCTION_H_

#include "server/kernels/broadcast.h"
#include "server/kernels/map.h"
#include "server/ops/axes.h"
#include "server/ops/op.h"

namespace gradus {

// What sum and mean over axes have in common. `Impl` adds kCase and
//
//   static constexpr std::string_view kAxesField;         path of the attribute
//   static const auto& Attributes(const v1::Node& node);  has axes() and keep_axes()
//   template <class T> static T Divisor(int64_t count);   of a sum of `count` elements
//
// The output is the sum over the divisor; the input gradient is the upstream over it, repeated
// along the axes.
template <class Impl>
struct AxisReduction : OpBase {
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const absl::StatusOr<ReducedShape> reduced = Reduce(call.node, call.operands[0]);
    if (!reduced.ok()) return reduced.status();
    return Impl::Attributes(call.node).keep_axes() ? reduced->kept : reduced->squeezed;
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 4.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& x = call[0];
    const Shape kept = Reduce(call.node, x.shape())->kept;
    BroadcastSumAdd(x.shape(), kept, output.data(), [&](int64_t i) { return x[i]; });
    const T divisor = Impl::template Divisor<T>(x.size() / output.size());
    Map(output, output, [&](const T& sum) { return sum / divisor; });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const Shape kept = Reduce(call.node, gradient.shape())->kept;
    const T divisor = Impl::template Divisor<T>(gradient.size() / call.upstream.size());
    BroadcastCursor at_upstream(kept, gradient.shape());
    for (int64_t i = 0; i < gradient.size(); ++i) {
      gradient[i] += call.upstream[at_upstream.position()] / divisor;
      at_upstream.Next();
    }
  }

 private:
  static absl::StatusOr<ReducedShape> Reduce(const v1::Node& node, const Shape& shape) {
    const auto& axes = Impl::Attributes(node).axes();
    return ReduceAxes(shape, {axes.data(), static_cast<size_t>(axes.size())}, Impl::kAxesField);
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_AXIS_REDUCTION_H_
