#ifndef GRADUS_SERVER_ENGINE_WORLD_H_
#define GRADUS_SERVER_ENGINE_WORLD_H_

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "server/engine/graph.h"
#include "server/tensor/tensor.h"

namespace gradus {

// The numbers of all quantities within one update. One world is what one computation holds to be
// true: the truth, or a student's paper. Entries that are not computed yet are placeholders.
template <class T>
class World {
 public:
  // `graph` outlives the world. `slot_count`: of the optimizer's state, per parameter.
  explicit World(const Graph& graph, int slot_count = 0)
      : graph_(graph),
        values_(graph.values().size()),
        slopes_(graph.values().size()),
        gradients_(graph.values().size()),
        next_(graph.values().size()),
        slot_count_(static_cast<size_t>(slot_count)),
        old_states_(static_cast<size_t>(graph.parameter_count()) * slot_count_),
        states_(old_states_.size()) {
    for (const Quantity& q : graph.value_order()) {
      for (const ValueId operand : graph.node(q.value).operands) {
        operands_.push_back(&values_[static_cast<size_t>(operand)]);
      }
    }
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Tensor<T>& At(const Quantity& q) {
    const auto i = static_cast<size_t>(q.value);
    switch (q.kind) {
      case QuantityKind::kSlope:
        return slopes_[i];
      case QuantityKind::kGradient:
        return gradients_[i];
      case QuantityKind::kNext:
        return next_[i];
      case QuantityKind::kState:
        return states_[StateIndex(q.value, q.slot)];
      default:
        return values_[i];
    }
  }
  const Tensor<T>& value(ValueId id) const { return values_[static_cast<size_t>(id)]; }
  const Tensor<T>& slope(ValueId id) const { return slopes_[static_cast<size_t>(id)]; }
  const Tensor<T>& gradient(ValueId id) const { return gradients_[static_cast<size_t>(id)]; }
  // A slot of a parameter's optimizer state, before the update and after it.
  Tensor<T>& old_state(ValueId parameter, int slot) {
    return old_states_[StateIndex(parameter, slot)];
  }
  const Tensor<T>& old_state(ValueId parameter, int slot) const {
    return old_states_[StateIndex(parameter, slot)];
  }
  const Tensor<T>& state(ValueId parameter, int slot) const {
    return states_[StateIndex(parameter, slot)];
  }
  int slot_count() const { return static_cast<int>(slot_count_); }

  // Takes over all numbers of another world of the same graph.
  void CopyFrom(const World& other) {
    values_ = other.values_;
    slopes_ = other.slopes_;
    gradients_ = other.gradients_;
    next_ = other.next_;
    old_states_ = other.old_states_;
    states_ = other.states_;
  }

  // Makes what an update made the given numbers of the next one.
  void Advance() {
    for (int i = 0; i < graph_.parameter_count(); ++i) {
      const auto id = static_cast<size_t>(graph_.parameter(i));
      values_[id] = std::move(next_[id]);
    }
    old_states_.swap(states_);
  }

  // The values that a node reads, by position.
  std::span<const Tensor<T>* const> operands(ValueId node) const {
    const GraphNode& n = graph_.node(node);
    return std::span(operands_).subspan(n.first_operand, n.operands.size());
  }

 private:
  size_t StateIndex(ValueId parameter, int slot) const {
    return static_cast<size_t>(parameter - graph_.parameter(0)) * slot_count_ +
           static_cast<size_t>(slot);
  }

  const Graph& graph_;
  // All by ValueId; slopes of activations, next of parameters.
  std::vector<Tensor<T>> values_;
  std::vector<Tensor<T>> slopes_;
  std::vector<Tensor<T>> gradients_;
  std::vector<Tensor<T>> next_;
  // By parameter, then by slot.
  size_t slot_count_;
  std::vector<Tensor<T>> old_states_;
  std::vector<Tensor<T>> states_;
  // Of all nodes, one after the other in topological order; they point into values_. A node may
  // have very many operands, so they are not looked up anew at each use.
  std::vector<const Tensor<T>*> operands_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_WORLD_H_
