#include "server/optimizers/optimizer.h"
#include "server/optimizers/range.h"
#include "server/optimizers/root.h"

namespace gradus {
namespace {

struct Adagrad : RuleBase {
  static constexpr auto kCase = v1::Optimizer::kAdagrad;
  static constexpr std::string_view kSlots[] = {"sum"};

  static absl::Status Validate(const v1::Optimizer& optimizer) {
    const v1::Adagrad& adagrad = optimizer.adagrad();
    return FirstError(
        CheckAboveZero(adagrad.learning_rate(), "adagrad.learning_rate"),
        CheckAtLeastZero(adagrad.initial_sum(), "adagrad.initial_sum"),
        CheckAtLeastZero(adagrad.learning_rate_decay(), "adagrad.learning_rate_decay"),
        CheckAtLeastZero(DenominatorEpsilon(optimizer), "adagrad.denominator_epsilon"),
        CheckPlacement(adagrad.epsilon_placement(), "adagrad.epsilon_placement"));
  }

  static double LearningRate(const v1::Optimizer& optimizer) {
    return optimizer.adagrad().learning_rate();
  }
  static std::span<const std::string_view> Slots(const v1::Optimizer&) { return kSlots; }
  static double InitialState(const v1::Optimizer& optimizer, int) {
    return optimizer.adagrad().initial_sum();
  }

  template <class T>
  static T State(const UpdateCall<T>& call, int, int64_t i) {
    return call.OldState(0, i) + Square(call.Gradient(i));
  }

  template <class T>
  static T Next(const UpdateCall<T>& call, int64_t i) {
    const v1::Adagrad& adagrad = call.optimizer.adagrad();
    const double rate = call.learning_rate /
                        (1 + static_cast<double>(call.update - 1) * adagrad.learning_rate_decay());
    return call.Parameter(i) - T(rate) * call.Gradient(i) /
                                   Root(call.State(0, i), DenominatorEpsilon(call.optimizer),
                                        adagrad.epsilon_placement());
  }

 private:
  static double DenominatorEpsilon(const v1::Optimizer& optimizer) {
    const v1::Adagrad& adagrad = optimizer.adagrad();
    return adagrad.has_denominator_epsilon() ? adagrad.denominator_epsilon() : 1e-10;
  }
};

}  // namespace

const OptimizerRule& AdagradRule() { return RuleOf<Adagrad>(); }

}  // namespace gradus
