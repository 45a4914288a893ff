#ifndef GRADUS_SERVER_OPS_CLASS_TARGET_H_
#define GRADUS_SERVER_OPS_CLASS_TARGET_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"

#include "server/ops/loss.h"
#include "server/ops/op.h"

namespace gradus {

// The target of a loss over classes, which are on the last axis of the prediction [..., C]: class
// indices
// [...], or soft labels [..., C]. Lengths decide which: an index target has one axis less.
template <class T>
class ClassTarget {
 public:
  ClassTarget(const Tensor<T>& target, const Shape& prediction)
      : target_(target), classes_(prediction.back()), soft_(target.shape() == prediction) {}

  int64_t classes() const { return classes_; }
  bool soft() const { return soft_; }

  // The class of an example, for index targets.
  int64_t Index(int64_t example) const {
    return static_cast<int64_t>(PlainValue(target_[example]));
  }
  // The weight t_c of class c.
  T Weight(int64_t example, int64_t c) const {
    return soft_ ? target_[example * classes_ + c] : T(Index(example) == c ? 1 : 0);
  }

 private:
  const Tensor<T>& target_;
  int64_t classes_;
  bool soft_;
};

// What the cross entropies have in common. `Impl` adds kCase, Forward, Vjp and
//
//   static constexpr std::string_view kReductionField;  path of the attribute
//   static v1::Reduction GetReduction(const v1::Node& node);
template <class Impl>
struct ClassLoss : OpBase {
  static constexpr std::string_view kOperands[] = {"prediction", "target"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& prediction = call.operands[0];
    const Shape& target = call.operands[1];
    if (prediction.rank() == 0) {
      return FieldError("", Reason::kShapeMismatch, "prediction is a scalar, it has no classes");
    }
    const Shape examples = Examples(prediction);
    if (target != prediction && target != examples) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("prediction has shape {}, target has shape {}, expected class "
                                    "indices {} or soft labels {}",
                                    prediction.ToString(), target.ToString(), examples.ToString(),
                                    prediction.ToString()));
    }
    return Reduction(call.node, prediction).InferShape(Impl::kReductionField);
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 40.0 * static_cast<double>(call.operands[0].element_count());
  }

  static std::optional<IndexOperand> FindIndexOperand(const ShapeCall& call) {
    if (call.operands[1] == call.operands[0]) return std::nullopt;
    return IndexOperand{1, call.operands[0].back()};
  }

 protected:
  static Shape Examples(const Shape& prediction) {
    return prediction.Slice(0, prediction.rank() - 1);
  }
  static LossReduction Reduction(const v1::Node& node, const Shape& prediction) {
    return LossReduction(Impl::GetReduction(node), prediction, Examples(prediction));
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_CLASS_TARGET_H_
