#ifndef GRADUS_SERVER_OPS_PENALTY_H_
#define GRADUS_SERVER_OPS_PENALTY_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/ops/attribute_checks.h"
#include "server/ops/op.h"

namespace gradus {

// What penalties strength * sum of f(w), over all elements of all operands, have in common. With
// a strength of 0 there is none, also where f overflows. `Impl` adds kCase, kFormula, kVjp and
//
//   static const auto& Attributes(const v1::Node& node);      has a strength()
//   static absl::Status CheckAttributes(const v1::Node& node);  unless that is all
//   template <class T> static T Term(const v1::Node& node, const T& w);   f(w)
//   template <class T> static T Slope(const v1::Node& node, const T& w);  df/dw
template <class Impl>
struct Penalty : OpBase {
  static constexpr std::string_view kOperands[] = {"w"};
  static constexpr bool kVariadic = true;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    if (absl::Status s = CheckNotNegative(fmt::format("{}.strength", OpOf<Impl>().name()),
                                          Impl::Attributes(call.node).strength());
        !s.ok()) {
      return s;
    }
    if (absl::Status s = Impl::CheckAttributes(call.node); !s.ok()) return s;
    return Shape();
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    double elements = 0;
    for (const Shape& w : call.operands) elements += static_cast<double>(w.element_count());
    return 10.0 * elements;
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const double strength = Impl::Attributes(call.node).strength();
    if (strength == 0) return;
    T sum = T(0);
    for (const Tensor<T>* w : call.operands) {
      ForEachIndex(w->size(), [&](int64_t i) { sum += Impl::Term(call.node, (*w)[i]); });
    }
    output[0] = T(strength) * sum;
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const double strength = Impl::Attributes(call.node).strength();
    if (strength == 0) return;
    const Tensor<T>& w = call[position];
    const T factor = call.upstream[0] * T(strength);
    ForEachIndex(w.size(),
                 [&](int64_t i) { gradient[i] += factor * Impl::Slope(call.node, w[i]); });
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_PENALTY_H_
