#ifndef GRADUS_SERVER_OPTIMIZERS_OPTIMIZER_H_
#define GRADUS_SERVER_OPTIMIZERS_OPTIMIZER_H_

#include <tuple>
#include <type_traits>

#include "absl/status/status.h"

#include "gradus/v1/optimizer.pb.h"
#include "server/tensor/scalar.h"
#include "server/tensor/tensor.h"

namespace gradus {

// One update of one parameter, in one number system.
template <class T>
struct UpdateCall {
  const v1::Optimizer& optimizer;
  const Tensor<T>& parameter;
  const Tensor<T>& gradient;
};

// An optimizer in one number system.
template <class T>
struct OptimizerFunctions {
  // Writes the parameter after the update, allocated in its shape.
  void (*update)(const UpdateCall<T>&, Tensor<T>& next);
};

// One optimizer: a rule from parameters and gradients to new parameters. Immutable, safe from any
// thread.
struct OptimizerRule {
  v1::Optimizer::RuleCase rule_case;
  // A FieldError relative to the Optimizer if an attribute is out of range.
  absl::Status (*validate)(const v1::Optimizer&);
  PerScalar<OptimizerFunctions> functions;

  template <class T>
  const OptimizerFunctions<T>& For() const {
    return std::get<OptimizerFunctions<T>>(functions);
  }
};

namespace internal {

template <class Impl, class... Ts>
constexpr std::tuple<OptimizerFunctions<Ts>...> AllUpdatesOf(
    std::type_identity<std::tuple<OptimizerFunctions<Ts>...>>) {
  return {OptimizerFunctions<Ts>{&Impl::template Update<Ts>}...};
}

}  // namespace internal

// The rule that a struct describes with the static members kCase, Validate and Update<T>.
template <class Impl>
const OptimizerRule& RuleOf() {
  static constexpr OptimizerRule kRule = {
      Impl::kCase,
      &Impl::Validate,
      internal::AllUpdatesOf<Impl>(std::type_identity<PerScalar<OptimizerFunctions>>()),
  };
  return kRule;
}

// The rule of an optimizer, or nullptr if `rule` is unset or unknown.
const OptimizerRule* FindOptimizerRule(v1::Optimizer::RuleCase rule_case);

}  // namespace gradus

#endif  // GRADUS_SERVER_OPTIMIZERS_OPTIMIZER_H_
