#ifndef GRADUS_SERVER_OPS_LOSS_H_
#define GRADUS_SERVER_OPS_LOSS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {

// Whether x is 0 and stays it: it neither moves nor has a width. What it multiplies is left out of
// a loss, even where that is infinite.
inline bool IsConstantZero(double x) { return x == 0; }
inline bool IsConstantZero(const Dual& x) { return x.value() == 0 && x.derivative() == 0; }
inline bool IsConstantZero(const Interval& x) { return x.lo() == 0 && x.hi() == 0; }

// The shape of the terms of a loss with one term per example, `operand` being [..., D].
inline Shape ExamplesOf(const Shape& operand) { return operand.Slice(0, operand.rank() - 1); }

// The shape of a loss whose terms have shape `terms`; an error at `op`.reduction if that is unset
// or unknown.
absl::StatusOr<Shape> InferReducedShape(std::string_view op, v1::Reduction reduction,
                                        const Shape& terms);

// How the terms of a loss become its output.
template <class T>
class LossReduction {
 public:
  // `prediction` is the first operand, whose axis 0 counts examples; REDUCTION_MEAN divides by
  // `mean_divisor`.
  LossReduction(v1::Reduction reduction, const Shape& prediction, int64_t term_count,
                const T& mean_divisor)
      : reduction_(reduction), term_count_(term_count), divisor_(T(1)) {
    if (reduction == v1::REDUCTION_MEAN) divisor_ = mean_divisor;
    if (reduction == v1::REDUCTION_BATCH_MEAN && prediction.rank() > 1) {
      divisor_ = T(static_cast<double>(prediction[0]));
    }
  }
  // REDUCTION_MEAN divides by the number of terms.
  LossReduction(v1::Reduction reduction, const Shape& prediction, int64_t term_count)
      : LossReduction(reduction, prediction, term_count, T(static_cast<double>(term_count))) {}

  // Writes the output, term(i) being the terms in row-major order.
  template <class F>
  void Forward(F term, Tensor<T>& output) const {
    if (reduction_ == v1::REDUCTION_NONE) {
      ForEachIndex(term_count_, [&](int64_t i) { output[i] = term(i); });
      return;
    }
    T sum = T(0);
    ForEachIndex(term_count_, [&](int64_t i) { sum += term(i); });
    output[0] = sum / divisor_;
  }

  // Upstream gradient of term i.
  T Upstream(const Tensor<T>& upstream, int64_t i) const {
    return upstream[reduction_ == v1::REDUCTION_NONE ? i : 0] / divisor_;
  }

 private:
  v1::Reduction reduction_;
  int64_t term_count_;
  T divisor_;
};

// What losses with one term per element have in common. `Impl` adds kCase, kFormula, kVjp and
//
//   static const auto& Attributes(const v1::Node& node);      has a reduction()
//   static absl::Status CheckAttributes(const v1::Node& node);  unless that is all
//   template <class T> static T Term(const v1::Node& node, const T& y, const T& t);
//   template <class T> static T PredictionSlope(...);         dTerm/dy
//   template <class T> static T TargetSlope(...);             dTerm/dt
template <class Impl>
struct ElementwiseLoss : OpBase {
  static constexpr std::string_view kOperands[] = {"prediction", "target"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& y = call.operands[0];
    const Shape& t = call.operands[1];
    if (y != t) {
      return FieldError(
          "", Reason::kShapeMismatch,
          fmt::format("prediction has shape {}, target has shape {}", y.ToString(), t.ToString()));
    }
    if (absl::Status s = Impl::CheckAttributes(call.node); !s.ok()) return s;
    return InferReducedShape(OpOf<Impl>().name(), Impl::Attributes(call.node).reduction(), y);
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 40.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& y = call[0];
    const Tensor<T>& t = call[1];
    Reduction(call).Forward([&](int64_t i) { return Impl::Term(call.node, y[i], t[i]); }, output);
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Tensor<T>& y = call[0];
    const Tensor<T>& t = call[1];
    const LossReduction<T> reduction = Reduction(call);
    ForEachIndex(y.size(), [&](int64_t i) {
      gradient[i] += reduction.Upstream(call.upstream, i) *
                     (position == 0 ? Impl::PredictionSlope(call.node, y[i], t[i])
                                    : Impl::TargetSlope(call.node, y[i], t[i]));
    });
  }

 private:
  template <class T>
  static LossReduction<T> Reduction(const OpCall<T>& call) {
    return {Impl::Attributes(call.node).reduction(), call[0].shape(), call[0].size()};
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_LOSS_H_
