#ifndef GRADUS_SERVER_OPS_ACTIVATION_H_
#define GRADUS_SERVER_OPS_ACTIVATION_H_

#include <string_view>

#include "server/kernels/map.h"
#include "server/ops/op.h"

namespace gradus {

// What elementwise activations a = f(z) have in common. `Impl` adds kCase, kFormula, kVjp and
//
//   static absl::Status CheckAttributes(const v1::Node& node);  if it has any
//   template <class T> static T Value(const v1::Node& node, const T& z);
//   template <class T> static T Slope(const v1::Node& node, const T& z, const T& a);
//
// The engine multiplies: input gradient = upstream * slope.
template <class Impl>
struct Activation : OpBase {
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    if (absl::Status s = Impl::CheckAttributes(call.node); !s.ok()) return s;
    return call.operands[0];
  }

  static double Flops(const ShapeCall&, const Shape& output) {
    return 20.0 * static_cast<double>(output.element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    Map(call[0], output, [&](const T& z) { return Impl::Value(call.node, z); });
  }

  template <class T>
  static void Slopes(const OpCall<T>& call, const Tensor<T>& output, Tensor<T>& slope) {
    Map(call[0], output, slope,
        [&](const T& z, const T& a) { return Impl::Slope(call.node, z, a); });
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_ACTIVATION_H_
