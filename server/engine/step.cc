#include "server/engine/step.h"

#include <vector>

#include "server/optimizers/common.h"
#include "server/optimizers/optimizer.h"

namespace gradus {

template <class T>
Updater<T>::Updater(const Graph& graph, const World<T>& world, const v1::Network& network,
                    const v1::Optimizer& optimizer, int64_t update)
    : graph_(graph),
      world_(world),
      network_(network),
      optimizer_(optimizer),
      update_(update),
      learning_rate_(ScheduledLearningRate(
          optimizer.schedule(), FindOptimizerRule(optimizer.rule_case())->learning_rate(optimizer),
          update)),
      global_scale_(T(1)) {
  if (!optimizer.clipping().has_global_norm()) return;
  std::vector<const Tensor<T>*> gradients;
  for (int i = 0; i < graph.parameter_count(); ++i) {
    const ValueId parameter = graph.parameter(i);
    if (!IsFrozen(parameter)) gradients.push_back(&world.gradient(parameter));
  }
  global_scale_ = ScaleToNorm<T>(gradients, optimizer.clipping().global_norm());
}

template <class T>
bool Updater<T>::IsFrozen(ValueId parameter) const {
  return network_.parameters(graph_.value(parameter).index).frozen();
}

template <class T>
template <class F>
void Updater<T>::WithCall(ValueId parameter, F f) const {
  std::vector<const Tensor<T>*> old_state;
  std::vector<const Tensor<T>*> state;
  for (int slot = 0; slot < world_.slot_count(); ++slot) {
    old_state.push_back(&world_.old_state(parameter, slot));
    state.push_back(&world_.state(parameter, slot));
  }
  const Tensor<T>* const gradient = &world_.gradient(parameter);
  const T scale = optimizer_.clipping().has_norm()
                      ? ScaleToNorm<T>(std::span(&gradient, 1), optimizer_.clipping().norm())
                      : global_scale_;
  f(UpdateCall<T>{optimizer_, update_, learning_rate_, scale, world_.value(parameter), *gradient,
                  old_state, state});
}

template <class T>
Tensor<T> Updater<T>::State(ValueId parameter, int slot) const {
  if (IsFrozen(parameter)) return world_.old_state(parameter, slot);
  Tensor<T> state(graph_.value(parameter).shape);
  const auto& functions = FindOptimizerRule(optimizer_.rule_case())->For<T>();
  WithCall(parameter,
           [&](const UpdateCall<T>& call) { functions.update_state(call, slot, state); });
  return state;
}

template <class T>
Tensor<T> Updater<T>::Next(ValueId parameter) const {
  if (IsFrozen(parameter)) return world_.value(parameter);
  Tensor<T> next(graph_.value(parameter).shape);
  const auto& functions = FindOptimizerRule(optimizer_.rule_case())->For<T>();
  WithCall(parameter, [&](const UpdateCall<T>& call) { functions.update(call, next); });
  return next;
}

template class Updater<double>;
template class Updater<float>;
template class Updater<Interval>;

}  // namespace gradus
