#ifndef GRADUS_SERVER_OPS_CLASS_LOSS_H_
#define GRADUS_SERVER_OPS_CLASS_LOSS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "server/kernels/interruption.h"
#include "server/kernels/reduce.h"
#include "server/ops/class_target.h"
#include "server/ops/loss.h"
#include "server/ops/op.h"

namespace gradus {

// Whether operands and attributes of a loss over classes fit. Paths of attributes begin with `op`.
absl::Status CheckClassLoss(std::string_view op, const ShapeCall& call,
                            const ClassAttributes& attributes, bool takes_soft_labels);

// One example that counts, of a loss over classes.
template <class T>
struct ClassExample {
  const Tensor<T>& prediction;
  const ClassTarget<T>& target;
  int64_t number;

  // Where its prediction is.
  Lane classes() const { return {number * target.classes(), 1, target.classes()}; }
  // Its prediction for class c.
  const T& operator[](int64_t c) const { return prediction[number * target.classes() + c]; }
  // As in ClassTarget.
  int64_t Index() const { return target.Index(number); }
  T Factor(int64_t c) const { return target.Factor(number, c); }
};

// What losses over classes have in common: one term per example, 0 where the example is ignored.
// `Impl` adds kCase, kFormula, kVjp and
//
//   static const auto& Attributes(const v1::Node& node);  has a reduction(), and what
//                                                         ClassAttributes::Of looks for
//   static absl::Status CheckAttributes(const v1::Node& node);  of further ones, if it has any
//   template <class T> static T Term(const v1::Node& node, const ClassExample<T>& example);
//   // Adds the gradient of the example to that of the prediction (position 0) or of its soft
//   // labels (position 1), from class 0 on.
//   template <class T> static void AddGradient(const v1::Node& node,
//                                              const ClassExample<T>& example, int position,
//                                              const T& upstream, T* gradient);
template <class Impl>
struct ClassLoss : OpBase {
  static constexpr std::string_view kOperands[] = {"prediction", "target"};
  static constexpr bool kTakesSoftLabels = true;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const auto& attributes = Impl::Attributes(call.node);
    const std::string_view name = OpOf<Impl>().name();
    if (absl::Status s =
            CheckClassLoss(name, call, ClassAttributes::Of(attributes), Impl::kTakesSoftLabels);
        !s.ok()) {
      return s;
    }
    if (absl::Status s = Impl::CheckAttributes(call.node); !s.ok()) return s;
    return InferReducedShape(name, attributes.reduction(), ExamplesOf(call.operands[0]));
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 40.0 * static_cast<double>(call.operands[0].element_count());
  }

  static std::optional<IndexOperand> FindIndexOperand(const ShapeCall& call) {
    if (call.operands[1] == call.operands[0]) return std::nullopt;
    return IndexOperand{1, call.operands[0].back(),
                        ClassAttributes::Of(Impl::Attributes(call.node)).ignored};
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const ClassTarget<T> target = Target(call);
    const auto term = [&](int64_t example) {
      if (target.IsIgnored(example)) return T(0);
      return Impl::Term(call.node, ClassExample<T>{call[0], target, example});
    };
    Reduction(call, target).Forward(term, output);
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const ClassTarget<T> target = Target(call);
    const LossReduction<T> reduction = Reduction(call, target);
    ForEachIndex(target.examples(), [&](int64_t example) {
      if (target.IsIgnored(example)) return;
      Impl::AddGradient(call.node, ClassExample<T>{call[0], target, example}, position,
                        reduction.Upstream(call.upstream, example),
                        gradient.data() + example * target.classes());
    });
  }

 private:
  template <class T>
  static ClassTarget<T> Target(const OpCall<T>& call) {
    return {ClassAttributes::Of(Impl::Attributes(call.node)), call[1], call[0].shape()};
  }
  template <class T>
  static LossReduction<T> Reduction(const OpCall<T>& call, const ClassTarget<T>& target) {
    return {Impl::Attributes(call.node).reduction(), call[0].shape(), target.examples(),
            target.MeanDivisor()};
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_CLASS_LOSS_H_
