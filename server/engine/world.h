#ifndef GRADUS_SERVER_ENGINE_WORLD_H_
#define GRADUS_SERVER_ENGINE_WORLD_H_

#include <cstddef>
#include <vector>

#include "server/engine/graph.h"
#include "server/tensor/tensor.h"

namespace gradus {

// The numbers of all quantities within one update. One world is what one computation holds to be
// true: the truth, or a student's paper. Entries that are not computed yet are placeholders.
template <class T>
struct World {
  explicit World(const Graph& graph)
      : values(graph.values().size()),
        slopes(graph.values().size()),
        gradients(graph.values().size()),
        next(graph.values().size()) {}

  std::vector<Tensor<T>> values;     // by ValueId
  std::vector<Tensor<T>> slopes;     // by ValueId, of activations
  std::vector<Tensor<T>> gradients;  // by ValueId
  std::vector<Tensor<T>> next;       // by ValueId, of parameters

  Tensor<T>& At(const Quantity& q) {
    const auto i = static_cast<size_t>(q.value);
    switch (q.kind) {
      case QuantityKind::kSlope:
        return slopes[i];
      case QuantityKind::kGradient:
        return gradients[i];
      case QuantityKind::kNext:
        return next[i];
      default:
        return values[i];
    }
  }
  const Tensor<T>& value(ValueId id) const { return values[static_cast<size_t>(id)]; }
  const Tensor<T>& slope(ValueId id) const { return slopes[static_cast<size_t>(id)]; }
  const Tensor<T>& gradient(ValueId id) const { return gradients[static_cast<size_t>(id)]; }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_WORLD_H_
