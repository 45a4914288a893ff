#ifndef GRADUS_SERVER_ENGINE_COMPUTE_H_
#define GRADUS_SERVER_ENGINE_COMPUTE_H_

#include <optional>
#include <vector>

#include "server/engine/graph.h"
#include "server/engine/step.h"
#include "server/engine/world.h"
#include "server/tensor/tensor.h"

namespace gradus {

// True for what an update makes: next and state.
inline bool IsOfUpdate(QuantityKind kind) {
  return kind == QuantityKind::kNext || kind == QuantityKind::kState;
}

// One quantity from those that it reads in `world`. The objective's gradient starts from
// `upstream`; `updater` is of this world, and set for what an update makes.
template <class T>
Tensor<T> ComputeQuantity(const Graph& graph, const World<T>& world, const Tensor<T>& upstream,
                          const std::optional<Updater<T>>& updater, const Quantity& q);

// What a quantity reads within its update, at least; without repetition, given data included.
// State of the optimizer before the update is that which the update before it made.
std::vector<Quantity> DependenciesOf(const Graph& graph, int slot_count, bool scales_all_gradients,
                                     const Quantity& q);

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_COMPUTE_H_
