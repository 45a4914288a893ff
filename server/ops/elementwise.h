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
//   static absl::Status CheckAttributes(const v1::Node& node);  if it has any
//   template <class T> static T Value(const v1::Node& node, const T& x);
//   template <class T> static T Derivative(const v1::Node& node, const T& x);
//
// or in place of the last
//
//   // The product of upstream gradient and derivative, where the derivative alone may overflow.
//   template <class T> static T InputGradient(const v1::Node& node, const T& u, const T& x);
//
// What costs no more than a product says `using OpBase::Flops`.
template <class Impl>
struct ElementwiseFunction : OpBase {
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
    Map(call[0], output, [&](const T& x) { return Impl::Value(call.node, x); });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    MapAdd(call.upstream, call[0], gradient,
           [&](const T& u, const T& x) { return Impl::InputGradient(call.node, u, x); });
  }

  template <class T>
  static T InputGradient(const v1::Node& node, const T& u, const T& x) {
    return u * Impl::Derivative(node, x);
  }
};

// What elementwise functions y = f(a, b) of two operands that broadcast have in common. `Impl` adds
// kCase, kFormula, kVjp and
//
//   template <class T> static T Value(const v1::Node& node, const T& a, const T& b);
//   template <class T> static T DerivativeOfA(const v1::Node& node, const T& a, const T& b);
//   template <class T> static T DerivativeOfB(const v1::Node& node, const T& a, const T& b);
//
// or in place of the last two GradientOfA and GradientOfB, which begin with the upstream gradient,
// as InputGradient does above.
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
    const Tensor<T>& a = call[0];
    const Tensor<T>& b = call[1];
    const Tensor<T>& u = call.upstream;
    if (position == 0) {
      BroadcastForEach(a.shape(), b.shape(), u.shape(), [&](int64_t i, int64_t j, int64_t k) {
        gradient[j] += Impl::GradientOfA(call.node, u[i], a[j], b[k]);
      });
    } else {
      BroadcastForEach(a.shape(), b.shape(), u.shape(), [&](int64_t i, int64_t j, int64_t k) {
        gradient[k] += Impl::GradientOfB(call.node, u[i], a[j], b[k]);
      });
    }
  }

  template <class T>
  static T GradientOfA(const v1::Node& node, const T& u, const T& a, const T& b) {
    return u * Impl::DerivativeOfA(node, a, b);
  }
  template <class T>
  static T GradientOfB(const v1::Node& node, const T& u, const T& a, const T& b) {
    return u * Impl::DerivativeOfB(node, a, b);
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_ELEMENTWISE_H_
