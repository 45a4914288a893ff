#ifndef GRADUS_SERVER_OPS_ELEMENTWISE_H_
#define GRADUS_SERVER_OPS_ELEMENTWISE_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "server/kernels/broadcast.h"
#include "server/kernels/map.h"
#include "server/ops/op.h"
#include "server/tensor/shape.h"

namespace gradus {

// Shape of an elementwise op over operands that broadcast, or a FieldError with both shapes.
absl::StatusOr<Shape> InferBroadcastShape(const ShapeCall& call);

// What elementwise functions y = f(x) that are no activations have in common: nobody writes down
// their slope as a quantity. `Impl` adds kCase, kFormula, kVjp and
//
//   template <class T> static T Value(const v1::Node& node, const T& x);
//   template <class T> static T Derivative(const v1::Node& node, const T& x, const T& y);
template <class Impl>
struct ElementwiseFunction : OpBase {
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) { return call.operands[0]; }

  static double Flops(const ShapeCall&, const Shape& output) {
    return 20.0 * static_cast<double>(output.element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    Map(call[0], output, [&](const T& x) { return Impl::Value(call.node, x); });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    for (int64_t i = 0; i < gradient.size(); ++i) {
      gradient[i] += call.upstream[i] * Impl::Derivative(call.node, call[0][i], call.output[i]);
    }
  }
};

// What elementwise functions y = f(a, b) of two operands that broadcast have in common. `Impl` adds
// kCase, kFormula, kVjp and
//
//   template <class T> static T Value(const v1::Node& node, const T& a, const T& b);
//   template <class T> static T DerivativeOfA(const v1::Node& node, const T& a, const T& b);
//   template <class T> static T DerivativeOfB(const v1::Node& node, const T& a, const T& b);
template <class Impl>
struct BinaryFunction : OpBase {
  static constexpr std::string_view kOperands[] = {"a", "b"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    return InferBroadcastShape(call);
  }

  static double Flops(const ShapeCall&, const Shape& output) {
    return 10.0 * static_cast<double>(output.element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    BroadcastMap(call[0], call[1], output,
                 [&](const T& a, const T& b) { return Impl::Value(call.node, a, b); });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Shape& shape = call.upstream.shape();
    BroadcastCursor at_a(call[0].shape(), shape);
    BroadcastCursor at_b(call[1].shape(), shape);
    BroadcastSumAdd(shape, gradient.shape(), gradient.data(), [&](int64_t i) {
      const T& a = call[0][at_a.position()];
      const T& b = call[1][at_b.position()];
      at_a.Next();
      at_b.Next();
      return call.upstream[i] * (position == 0 ? Impl::DerivativeOfA(call.node, a, b)
                                               : Impl::DerivativeOfB(call.node, a, b));
    });
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_ELEMENTWISE_H_
