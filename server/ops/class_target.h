#ifndef GRADUS_SERVER_OPS_CLASS_TARGET_H_
#define GRADUS_SERVER_OPS_CLASS_TARGET_H_

#include <cstdint>
#include <optional>
#include <span>

#include "server/kernels/interruption.h"
#include "server/ops/op.h"

namespace gradus {

// The attributes of losses over classes, of which a loss may have some.
struct ClassAttributes {
  double label_smoothing = 0;
  std::span<const double> weights;  // one per class, or none: 1 each
  std::optional<int64_t> ignored;   // the class index of examples that do not count

  // Of an op's message, which outlives it.
  template <class Message>
  static ClassAttributes Of(const Message& message) {
    ClassAttributes attributes;
    if constexpr (requires { message.label_smoothing(); }) {
      attributes.label_smoothing = message.label_smoothing();
    }
    if constexpr (requires { message.class_weights(); }) {
      const auto& weights = message.class_weights();
      attributes.weights = {weights.data(), static_cast<size_t>(weights.size())};
    }
    if constexpr (requires { message.ignore_index(); }) {
      if (message.has_ignore_index()) attributes.ignored = message.ignore_index();
    }
    return attributes;
  }
};

// The target of a loss over classes, which are on the last axis of the prediction [..., C]: class
// indices [...], or soft labels [..., C]. Lengths decide which: an index target has one axis less.
template <class T>
class ClassTarget {
 public:
  // `target` outlives it.
  ClassTarget(const ClassAttributes& attributes, const Tensor<T>& target, const Shape& prediction)
      : attributes_(attributes),
        target_(target),
        classes_(prediction.back()),
        examples_(prediction.element_count() / classes_),
        soft_(target.shape() == prediction) {}

  int64_t classes() const { return classes_; }
  int64_t examples() const { return examples_; }

  // Whether an example does not count.
  bool IsIgnored(int64_t example) const {
    return attributes_.ignored.has_value() && !soft_ &&
           PlainValue(target_[example]) == PlainValue(T(static_cast<double>(*attributes_.ignored)));
  }
  // The class of an example that counts, for index targets.
  int64_t Index(int64_t example) const {
    return static_cast<int64_t>(PlainValue(target_[example]));
  }
  // w_c, the weight of class c.
  T Weight(int64_t c) const {
    return attributes_.weights.empty() ? T(1) : T(attributes_.weights[static_cast<size_t>(c)]);
  }
  // f_c = w_c ((1 - s) t_c + s / C), with which class c counts in an example that counts.
  T Factor(int64_t example, int64_t c) const {
    T label = soft_ ? target_[example * classes_ + c] : T(Index(example) == c ? 1 : 0);
    if (attributes_.label_smoothing != 0) {
      const T smoothing = T(attributes_.label_smoothing);
      label = (T(1) - smoothing) * label + smoothing / T(static_cast<double>(classes_));
    }
    return attributes_.weights.empty() ? label : Weight(c) * label;
  }
  // df_c / dt_c.
  T FactorSlope(int64_t c) const { return Weight(c) * (T(1) - T(attributes_.label_smoothing)); }

  // What REDUCTION_MEAN divides by: the weights of the classes of all examples that count; for soft
  // labels, the number of examples.
  T MeanDivisor() const {
    if (soft_ || (attributes_.weights.empty() && !attributes_.ignored.has_value())) {
      return T(static_cast<double>(examples_));
    }
    T sum = T(0);
    ForEachIndex(examples_, [&](int64_t example) {
      if (!IsIgnored(example)) sum += Weight(Index(example));
    });
    return sum;
  }

 private:
  ClassAttributes attributes_;
  const Tensor<T>& target_;
  int64_t classes_;
  int64_t examples_;
  bool soft_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_CLASS_TARGET_H_
