#ifndef GRADUS_SERVER_OPS_VECTOR_LOSS_H_
#define GRADUS_SERVER_OPS_VECTOR_LOSS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "server/kernels/interruption.h"
#include "server/kernels/reduce.h"
#include "server/ops/loss.h"
#include "server/ops/op.h"

namespace gradus {

// Whether the first `count` operands, called `names`, are vectors of equal shape.
absl::Status CheckVectors(const ShapeCall& call, const std::string_view* names, int count);

// Euclidean length of the vector x(0), x(1) ... of `size` elements, which neither overflows nor
// vanishes by squaring. The length of zeros is 0, and a kink if they move.
template <class T, class F>
T EuclideanLength(int64_t size, F x) {
  using std::sqrt;
  double largest = 0;
  ForEachIndex(size, [&](int64_t i) { largest = std::max(largest, std::abs(PlainValue(x(i)))); });
  T sum = T(0);
  if (largest == 0) {
    ForEachIndex(size, [&](int64_t i) { sum += Absolute(x(i)); });
    return sum;
  }
  // A power of 2, so that scaling is exact; a plain number, so that it has no derivative.
  const T scale = T(std::isfinite(largest) ? std::exp2(std::ilogb(largest)) : 1);
  ForEachIndex(size, [&](int64_t i) { sum += Square(T(x(i) / scale)); });
  return scale * sqrt(sum);
}

// What losses over vectors, which are on the last axis, have in common: one term per example.
// `Impl` adds kCase, kOperands, kFormula, kVjp and
//
//   static constexpr int kVectorOperands;                     the first so many have equal shape
//   static const auto& Attributes(const v1::Node& node);      has a reduction()
//   static absl::Status CheckOthers(const ShapeCall& call);   of the other operands, if any
//   static absl::Status CheckAttributes(const v1::Node& node);  of further ones, if any
//   template <class T> static T Term(const OpCall<T>& call, int64_t example, const Lane& lane);
//   // Adds the gradient of the example, whose vectors are at `lane`, to that of an operand.
//   template <class T> static void AddGradient(const OpCall<T>& call, int64_t example,
//                                              const Lane& lane, int position, const T& upstream,
//                                              Tensor<T>& gradient);
template <class Impl>
struct VectorLoss : OpBase {
  static absl::Status CheckOthers(const ShapeCall&) { return absl::OkStatus(); }

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    if (absl::Status s = CheckVectors(call, Impl::kOperands, Impl::kVectorOperands); !s.ok()) {
      return s;
    }
    if (absl::Status s = Impl::CheckOthers(call); !s.ok()) return s;
    if (absl::Status s = Impl::CheckAttributes(call.node); !s.ok()) return s;
    return InferReducedShape(OpOf<Impl>().name(), Impl::Attributes(call.node).reduction(),
                             ExamplesOf(call.operands[0]));
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 40.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    Reduction(call).Forward(
        [&](int64_t example) { return Impl::Term(call, example, LaneOf(call, example)); }, output);
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const LossReduction<T> reduction = Reduction(call);
    ForEachIndex(ExampleCount(call), [&](int64_t example) {
      Impl::AddGradient(static_cast<const OpCall<T>&>(call), example, LaneOf(call, example),
                        position, reduction.Upstream(call.upstream, example), gradient);
    });
  }

 private:
  template <class T>
  static int64_t ExampleCount(const OpCall<T>& call) {
    return call[0].size() / call[0].shape().back();
  }
  template <class T>
  static Lane LaneOf(const OpCall<T>& call, int64_t example) {
    const int64_t length = call[0].shape().back();
    return {example * length, 1, length};
  }
  template <class T>
  static LossReduction<T> Reduction(const OpCall<T>& call) {
    return {Impl::Attributes(call.node).reduction(), call[0].shape(), ExampleCount(call)};
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_VECTOR_LOSS_H_
