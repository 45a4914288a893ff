#include "server/optimizers/optimizer.h"
#include "server/optimizers/range.h"
#include "server/optimizers/root.h"

namespace gradus {
namespace {

struct RmsProp : RuleBase {
  static constexpr auto kCase = v1::Optimizer::kRmsProp;

  static absl::Status Validate(const v1::Optimizer& optimizer) {
    const v1::RmsProp& rms_prop = optimizer.rms_prop();
    return FirstError(
        CheckAboveZero(rms_prop.learning_rate(), "rms_prop.learning_rate"),
        CheckBelowOne(Decay(optimizer), "rms_prop.decay"),
        CheckBelowOne(rms_prop.momentum(), "rms_prop.momentum"),
        CheckAtLeastZero(DenominatorEpsilon(optimizer), "rms_prop.denominator_epsilon"),
        CheckPlacement(rms_prop.epsilon_placement(), "rms_prop.epsilon_placement"));
  }

  static double LearningRate(const v1::Optimizer& optimizer) {
    return optimizer.rms_prop().learning_rate();
  }

  static std::span<const std::string_view> Slots(const v1::Optimizer& optimizer) {
    static constexpr std::string_view kPlain[] = {"mean_square", "velocity"};
    static constexpr std::string_view kCentered[] = {"mean_square", "mean", "velocity"};
    const std::span<const std::string_view> all =
        optimizer.rms_prop().centered() ? std::span<const std::string_view>(kCentered) : kPlain;
    return all.first(all.size() - (optimizer.rms_prop().momentum() == 0 ? 1 : 0));
  }

  template <class T>
  static T State(const UpdateCall<T>& call, int slot, int64_t i) {
    const double decay = Decay(call.optimizer);
    const T g = call.Gradient(i);
    if (slot == 0) return T(decay) * call.OldState(0, i) + T(1 - decay) * Square(g);
    if (slot == 1 && call.optimizer.rms_prop().centered()) {
      return T(decay) * call.OldState(1, i) + T(1 - decay) * g;
    }
    return T(call.optimizer.rms_prop().momentum()) * call.OldState(slot, i) + Scaled(call, i);
  }

  template <class T>
  static T Next(const UpdateCall<T>& call, int64_t i) {
    const v1::RmsProp& rms_prop = call.optimizer.rms_prop();
    const int velocity = rms_prop.centered() ? 2 : 1;
    return call.Parameter(i) -
           T(call.learning_rate) *
               (rms_prop.momentum() == 0 ? Scaled(call, i) : call.State(velocity, i));
  }

 private:
  static double Decay(const v1::Optimizer& optimizer) {
    return optimizer.rms_prop().has_decay() ? optimizer.rms_prop().decay() : 0.99;
  }
  static double DenominatorEpsilon(const v1::Optimizer& optimizer) {
    const v1::RmsProp& rms_prop = optimizer.rms_prop();
    return rms_prop.has_denominator_epsilon() ? rms_prop.denominator_epsilon() : 1e-8;
  }

  // The gradient over its root mean square, or over its standard deviation.
  template <class T>
  static T Scaled(const UpdateCall<T>& call, int64_t i) {
    const v1::RmsProp& rms_prop = call.optimizer.rms_prop();
    T square = call.State(0, i);
    // By rounding the difference may be below 0, where the gradient hardly changes.
    if (rms_prop.centered()) square = Max(T(0), square - Square(call.State(1, i)));
    return call.Gradient(i) /
           Root(square, DenominatorEpsilon(call.optimizer), rms_prop.epsilon_placement());
  }
};

}  // namespace

const OptimizerRule& RmsPropRule() { return RuleOf<RmsProp>(); }

}  // namespace gradus
