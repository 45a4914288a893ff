#ifndef GRADUS_SERVER_OPS_SOFTMAX_LANE_H_
#define GRADUS_SERVER_OPS_SOFTMAX_LANE_H_

#include <cmath>

#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/kernels/reduce.h"
#include "server/ops/axes.h"
#include "server/ops/op.h"

namespace gradus {

// The softmax of one lane of logits, without overflow and without losing digits where one of them
// dominates. Indices count along the lane.
template <class T>
class SoftmaxLane {
 public:
  // `z` outlives it.
  SoftmaxLane(const Tensor<T>& z, const Lane& lane) : z_(z), lane_(lane) {
    using std::log1p;
    ForEachIndex(lane.length, [&](int64_t i) {
      if (PlainValue(z[lane[i]]) > PlainValue(z[lane[largest_]])) largest_ = i;
    });
    // A plain number: it cancels, so it has no derivative, and it must not widen an interval.
    shift_ = T(PlainValue(z[lane[largest_]]));
    others_ = T(0);
    ForEachIndex(lane.length, [&](int64_t i) {
      if (i != largest_) others_ += Exp(i);
    });
    const T largest = Exp(largest_);  // 1, as a plain number
    sum_ = largest + others_;
    log_sum_ = log1p((largest - T(1)) + others_);
  }

  // exp(z_i) / sum_j exp(z_j).
  T Probability(int64_t i) const { return Exp(i) / sum_; }
  // 1 - Probability(i).
  T Complement(int64_t i) const { return (i == largest_ ? others_ : sum_ - Exp(i)) / sum_; }
  // log Probability(i).
  T Log(int64_t i) const { return (z_[lane_[i]] - shift_) - log_sum_; }

 private:
  T Exp(int64_t i) const {
    using std::exp;
    return exp(z_[lane_[i]] - shift_);
  }

  const Tensor<T>& z_;
  const Lane lane_;
  int64_t largest_ = 0;  // where the largest logit is
  T shift_;              // the largest logit
  T others_;             // sum of exp(z_i - shift) over the others
  T sum_;                // the same over all
  T log_sum_;
};

// What softmax and log_softmax have in common. `Impl` adds kCase, Forward, Vjp and
//
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
    return NormalizeAxis(attributes.has_axis() ? attributes.axis() : -1, rank,
                         fmt::format("{}.axis", OpOf<Impl>().name()));
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_SOFTMAX_LANE_H_
