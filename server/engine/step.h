#ifndef GRADUS_SERVER_ENGINE_STEP_H_
#define GRADUS_SERVER_ENGINE_STEP_H_

#include <cstdint>

#include "gradus/v1/network.pb.h"
#include "gradus/v1/optimizer.pb.h"
#include "server/engine/graph.h"
#include "server/engine/world.h"
#include "server/tensor/tensor.h"

namespace gradus {

// One update of all parameters of a world: what they have in common, once all gradients are there.
template <class T>
class Updater {
 public:
  // `optimizer` has passed validation; `network` is that of the graph; `update` counts from 1. All
  // outlive the updater.
  Updater(const Graph& graph, const World<T>& world, const v1::Network& network,
          const v1::Optimizer& optimizer, int64_t update);

  // A slot of a parameter's optimizer state after the update, from the earlier slots in the world.
  // That of a frozen parameter stays.
  Tensor<T> State(ValueId parameter, int slot) const;
  // A parameter after the update, from its new state in the world. A frozen one stays.
  Tensor<T> Next(ValueId parameter) const;

 private:
  bool IsFrozen(ValueId parameter) const;
  // Calls f with what the rule reads.
  template <class F>
  void WithCall(ValueId parameter, F f) const;

  const Graph& graph_;
  const World<T>& world_;
  const v1::Network& network_;
  const v1::Optimizer& optimizer_;
  int64_t update_;
  double learning_rate_;
  T global_scale_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_STEP_H_
