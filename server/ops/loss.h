#ifndef GRADUS_SERVER_OPS_LOSS_H_
#define GRADUS_SERVER_OPS_LOSS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {

// How the terms of a loss become its output.
class LossReduction {
 public:
  // `prediction` is the first operand, whose axis 0 counts examples; `terms` is the shape of the
  // terms.
  LossReduction(v1::Reduction reduction, const Shape& prediction, const Shape& terms)
      : reduction_(reduction), terms_(terms) {
    if (reduction == v1::REDUCTION_MEAN) divisor_ = terms.element_count();
    if (reduction == v1::REDUCTION_BATCH_MEAN && prediction.rank() > 1) divisor_ = prediction[0];
  }

  // The output's shape; an error at `field` if the reduction is unset or unknown.
  absl::StatusOr<Shape> InferShape(std::string_view field) const;

  // Writes the output, term(i) being the terms in row-major order.
  template <class T, class F>
  void Forward(F term, Tensor<T>& output) const {
    const int64_t count = terms_.element_count();
    if (reduction_ == v1::REDUCTION_NONE) {
      for (int64_t i = 0; i < count; ++i) output[i] = term(i);
      return;
    }
    T sum = T(0);
    for (int64_t i = 0; i < count; ++i) sum += term(i);
    output[0] = sum / Divisor<T>();
  }

  // Upstream gradient of term i.
  template <class T>
  T Upstream(const Tensor<T>& upstream, int64_t i) const {
    return upstream[reduction_ == v1::REDUCTION_NONE ? i : 0] / Divisor<T>();
  }

 private:
  template <class T>
  T Divisor() const {
    return T(static_cast<double>(divisor_));
  }

  v1::Reduction reduction_;
  Shape terms_;
  int64_t divisor_ = 1;
};

// What losses with one term per element have in common. `Impl` adds kCase and
//
//   static constexpr std::string_view kReductionField;  // path of the attribute
//   static v1::Reduction GetReduction(const v1::Node& node);
//   template <class T> static T Term(const T& y, const T& t);
//   template <class T> static T PredictionSlope(const T& y, const T& t);  // dTerm/dy
//   template <class T> static T TargetSlope(const T& y, const T& t);      // dTerm/dt
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
    return Reduction(call.node, y).InferShape(Impl::kReductionField);
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 40.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& y = call[0];
    const Tensor<T>& t = call[1];
    Reduction(call.node, y.shape())
        .Forward([&](int64_t i) { return Impl::template Term<T>(y[i], t[i]); }, output);
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Tensor<T>& y = call[0];
    const Tensor<T>& t = call[1];
    const LossReduction reduction = Reduction(call.node, y.shape());
    for (int64_t i = 0; i < y.size(); ++i) {
      gradient[i] += reduction.Upstream(call.upstream, i) *
                     (position == 0 ? Impl::template PredictionSlope<T>(y[i], t[i])
                                    : Impl::template TargetSlope<T>(y[i], t[i]));
    }
  }

 private:
  static LossReduction Reduction(const v1::Node& node, const Shape& shape) {
    return LossReduction(Impl::GetReduction(node), shape, shape);
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_LOSS_H_
