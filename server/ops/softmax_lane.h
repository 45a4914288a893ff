#ifndef GRADUS_SERVER_OPS_SOFTMAX_LANE_H_
#define GRADUS_SERVER_OPS_SOFTMAX_LANE_H_

#include <algorithm>
#include <cmath>

#include "server/kernels/reduce.h"
#include "server/ops/axes.h"
#include "server/ops/op.h"

namespace gradus {

// The numbers that make a softmax of one lane stable. The shift is a plain number: it cancels, so
// it has no derivative, and it must not widen an interval.
template <class T>
struct SoftmaxLane {
  T shift;    // the largest z
  T exp_sum;  // sum over the lane of exp(z - shift); at least 1

  SoftmaxLane(const Tensor<T>& z, const Lane& lane) {
    double largest = PlainValue(z[lane[0]]);
    for (int64_t i = 1; i < lane.length; ++i) largest = std::max(largest, PlainValue(z[lane[i]]));
    shift = T(largest);
    exp_sum = LaneSum<T>(lane, [&](int64_t at) { return Exp(z[at]); });
  }

  // exp(z - shift): never overflows.
  T Exp(const T& z) const {
    using std::exp;
    return exp(z - shift);
  }
  // log softmax.
  T Log(const T& z) const {
    using std::log;
    return (z - shift) - log(exp_sum);
  }
};

// What softmax and log_softmax have in common. `Impl` adds kCase, Forward, Vjp and
//
//   static constexpr std::string_view kAxisField;         path of the attribute
//   static const auto& Attributes(const v1::Node& node);  has an optional axis()
template <class Impl>
struct SoftmaxFamily : OpBase {
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const absl::StatusOr<int> axis = FindAxis(call.node, call.operands[0].rank());
    if (!axis.ok()) return axis.status();
    return call.operands[0];
  }

  static double Flops(const ShapeCall&, const Shape& output) {
    return 25.0 * static_cast<double>(output.element_count());
  }

 protected:
  // The axis from 0 on.
  static absl::StatusOr<int> FindAxis(const v1::Node& node, int rank) {
    const auto& attributes = Impl::Attributes(node);
    return NormalizeAxis(attributes.has_axis() ? attributes.axis() : -1, rank, Impl::kAxisField);
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_SOFTMAX_LANE_H_
