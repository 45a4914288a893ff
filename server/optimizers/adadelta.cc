#include <cmath>

#include "server/optimizers/optimizer.h"
#include "server/optimizers/range.h"

namespace gradus {
namespace {

struct Adadelta : RuleBase {
  static constexpr auto kCase = v1::Optimizer::kAdadelta;
  static constexpr std::string_view kSlots[] = {"mean_square", "mean_square_update"};

  static absl::Status Validate(const v1::Optimizer& optimizer) {
    return FirstError(
        CheckAboveZero(LearningRate(optimizer), "adadelta.learning_rate"),
        CheckBelowOne(Decay(optimizer), "adadelta.decay"),
        CheckAtLeastZero(DenominatorEpsilon(optimizer), "adadelta.denominator_epsilon"));
  }

  static double LearningRate(const v1::Optimizer& optimizer) {
    return optimizer.adadelta().has_learning_rate() ? optimizer.adadelta().learning_rate() : 1;
  }
  static std::span<const std::string_view> Slots(const v1::Optimizer&) { return kSlots; }

  template <class T>
  static T State(const UpdateCall<T>& call, int slot, int64_t i) {
    const double decay = Decay(call.optimizer);
    const T averaged = slot == 0 ? call.Gradient(i) : Update(call, i);
    return T(decay) * call.OldState(slot, i) + T(1 - decay) * Square(averaged);
  }

  template <class T>
  static T Next(const UpdateCall<T>& call, int64_t i) {
    return call.Parameter(i) - T(call.learning_rate) * Update(call, i);
  }

 private:
  static double Decay(const v1::Optimizer& optimizer) {
    return optimizer.adadelta().has_decay() ? optimizer.adadelta().decay() : 0.9;
  }
  static double DenominatorEpsilon(const v1::Optimizer& optimizer) {
    const v1::Adadelta& adadelta = optimizer.adadelta();
    return adadelta.has_denominator_epsilon() ? adadelta.denominator_epsilon() : 1e-6;
  }

  // d: the gradient in units of its own size, times the size of earlier updates.
  template <class T>
  static T Update(const UpdateCall<T>& call, int64_t i) {
    using std::sqrt;
    const T epsilon = T(DenominatorEpsilon(call.optimizer));
    return sqrt(call.OldState(1, i) + epsilon) / sqrt(call.State(0, i) + epsilon) *
           call.Gradient(i);
  }
};

}  // namespace

const OptimizerRule& AdadeltaRule() { return RuleOf<Adadelta>(); }

}  // namespace gradus
