#ifndef GRADUS_SERVER_OPTIMIZERS_OPTIMIZER_H_
#define GRADUS_SERVER_OPTIMIZERS_OPTIMIZER_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "absl/status/status.h"

#include "gradus/v1/optimizer.pb.h"
#include "server/kernels/interruption.h"
#include "server/tensor/scalar.h"
#include "server/tensor/tensor.h"

namespace gradus {

// One update of one parameter, in one number system.
template <class T>
struct UpdateCall {
  const v1::Optimizer& optimizer;
  int64_t update;        // t, from 1
  double learning_rate;  // of this update, after the schedule
  T gradient_scale;      // what clipping by a norm multiplies the gradient by
  const Tensor<T>& parameter;
  const Tensor<T>& gradient;
  // By slot: before the update, and after it as far as it is known: the slots before the one that
  // is computed, all of them for the parameter.
  std::span<const Tensor<T>* const> old_state;
  std::span<const Tensor<T>* const> state;

  // What a rule sees as element i of the gradient: clipped, and with coupled weight decay.
  T Gradient(int64_t i) const {
    T g = gradient_scale * gradient[i];
    if (optimizer.clipping().has_value()) {
      const T limit = T(optimizer.clipping().value());
      g = Max(-limit, Min(limit, g));
    }
    const v1::WeightDecay& decay = optimizer.weight_decay();
    if (decay.coefficient() == 0 || decay.decoupled()) return g;
    return g + T(decay.coefficient()) * parameter[i];
  }

  // What a rule sees as element i of the parameter: after decoupled weight decay.
  T Parameter(int64_t i) const {
    const v1::WeightDecay& decay = optimizer.weight_decay();
    if (decay.coefficient() == 0 || !decay.decoupled()) return parameter[i];
    return parameter[i] - T(learning_rate * decay.coefficient()) * parameter[i];
  }

  const T& OldState(int slot, int64_t i) const {
    return (*old_state[static_cast<size_t>(slot)])[i];
  }
  const T& State(int slot, int64_t i) const { return (*state[static_cast<size_t>(slot)])[i]; }
};

// An optimizer in one number system. All results are allocated by the caller, in the parameter's
// shape. There is no dual one: no gradient goes through an update.
template <class T>
struct OptimizerFunctions {
  // Writes a slot of the state after the update.
  void (*update_state)(const UpdateCall<T>&, int slot, Tensor<T>& state);
  // Writes the parameter after the update.
  void (*update)(const UpdateCall<T>&, Tensor<T>& next);
};

// One optimizer: a rule from parameters, gradients and state to new parameters and state.
// Immutable, safe from any thread.
struct OptimizerRule {
  v1::Optimizer::RuleCase rule_case;
  // A FieldError relative to the Optimizer if an attribute of the rule is out of range.
  absl::Status (*validate)(const v1::Optimizer&);
  // The factor of the update before the schedule.
  double (*learning_rate)(const v1::Optimizer&);
  // Names of the slots that the state of each parameter has, in the order in which they are
  // updated.
  std::span<const std::string_view> (*slots)(const v1::Optimizer&);
  // Every element of a slot before the first update.
  double (*initial_state)(const v1::Optimizer&, int slot);
  PerScalar<OptimizerFunctions> functions;

  template <class T>
  const OptimizerFunctions<T>& For() const {
    return std::get<OptimizerFunctions<T>>(functions);
  }
};

// What most rules have in common. A rule is a struct that derives from this and adds, as static
// members, kCase and
//
//   static absl::Status Validate(const v1::Optimizer&);
//   static double LearningRate(const v1::Optimizer&);
//   template <class T> static T Next(const UpdateCall<T>& call, int64_t i);
//
// and, if it has state, Slots, perhaps InitialState, and
//
//   template <class T> static T State(const UpdateCall<T>& call, int slot, int64_t i);
//
// Both compute element i after the update; each element is updated for itself.
struct RuleBase {
  static std::span<const std::string_view> Slots(const v1::Optimizer&) { return {}; }
  static double InitialState(const v1::Optimizer&, int) { return 0; }
};

namespace internal {

template <class Impl, class T>
constexpr OptimizerFunctions<T> UpdatesOf() {
  OptimizerFunctions<T> functions = {nullptr, nullptr};
  if constexpr (!std::is_same_v<T, Dual>) {
    if constexpr (requires { &Impl::template State<T>; }) {
      functions.update_state = [](const UpdateCall<T>& call, int slot, Tensor<T>& state) {
        ForEachIndex(state.size(), [&](int64_t i) { state[i] = Impl::State(call, slot, i); });
      };
    }
    functions.update = [](const UpdateCall<T>& call, Tensor<T>& next) {
      ForEachIndex(next.size(), [&](int64_t i) { next[i] = Impl::Next(call, i); });
    };
  }
  return functions;
}

template <class Impl, class... Ts>
constexpr std::tuple<OptimizerFunctions<Ts>...> AllUpdatesOf(
    std::type_identity<std::tuple<OptimizerFunctions<Ts>...>>) {
  return {UpdatesOf<Impl, Ts>()...};
}

}  // namespace internal

// The rule that a struct describes.
template <class Impl>
const OptimizerRule& RuleOf() {
  static constexpr OptimizerRule kRule = {
      Impl::kCase,
      &Impl::Validate,
      &Impl::LearningRate,
      &Impl::Slots,
      &Impl::InitialState,
      internal::AllUpdatesOf<Impl>(std::type_identity<PerScalar<OptimizerFunctions>>()),
  };
  return kRule;
}

// The rule of an optimizer, or nullptr if `rule` is unset or unknown.
const OptimizerRule* FindOptimizerRule(v1::Optimizer::RuleCase rule_case);

}  // namespace gradus

#endif  // GRADUS_SERVER_OPTIMIZERS_OPTIMIZER_H_
