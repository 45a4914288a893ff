#include "server/engine/compute.h"

#include <algorithm>

#include "server/engine/backward.h"
#include "server/engine/forward.h"

namespace gradus {

template <class T>
Tensor<T> ComputeQuantity(const Graph& graph, const World<T>& world, const Tensor<T>& upstream,
                          const std::optional<Updater<T>>& updater, const Quantity& q) {
  switch (q.kind) {
    case QuantityKind::kValue:
      return ComputeValue(graph, world, q.value);
    case QuantityKind::kSlope:
      return ComputeSlope(graph, world, q.value);
    case QuantityKind::kGradient:
      return ComputeGradient(graph, world, upstream, q.value);
    case QuantityKind::kState:
      return updater->State(q.value, q.slot);
    case QuantityKind::kNext:
      return updater->Next(q.value);
  }
  return {};
}

template Tensor<double> ComputeQuantity(const Graph&, const World<double>&, const Tensor<double>&,
                                        const std::optional<Updater<double>>&, const Quantity&);
template Tensor<float> ComputeQuantity(const Graph&, const World<float>&, const Tensor<float>&,
                                       const std::optional<Updater<float>>&, const Quantity&);
template Tensor<Interval> ComputeQuantity(const Graph&, const World<Interval>&,
                                          const Tensor<Interval>&,
                                          const std::optional<Updater<Interval>>&, const Quantity&);

std::vector<Quantity> DependenciesOf(const Graph& graph, int slot_count, bool scales_all_gradients,
                                     const Quantity& q) {
  std::vector<Quantity> read;
  const auto add_values = [&](ValueId node) {
    for (const ValueId operand : graph.node(node).operands) {
      read.push_back({QuantityKind::kValue, operand});
    }
  };
  switch (q.kind) {
    case QuantityKind::kValue:
      if (graph.is_node(q.value)) add_values(q.value);
      break;
    case QuantityKind::kSlope:
      add_values(q.value);
      read.push_back({QuantityKind::kValue, q.value});
      break;
    case QuantityKind::kGradient:
      for (const Use& use : graph.value(q.value).uses) {
        if (!graph.carries_gradient(use)) continue;
        read.push_back({QuantityKind::kGradient, use.node});
        if (graph.goes_through_slope(use)) {
          read.push_back({QuantityKind::kSlope, use.node});
        } else {
          add_values(use.node);
          read.push_back({QuantityKind::kValue, use.node});
        }
      }
      break;
    case QuantityKind::kState:
    case QuantityKind::kNext: {
      read.push_back({QuantityKind::kValue, q.value});
      if (scales_all_gradients) {
        for (int i = 0; i < graph.parameter_count(); ++i) {
          read.push_back({QuantityKind::kGradient, graph.parameter(i)});
        }
      } else {
        read.push_back({QuantityKind::kGradient, q.value});
      }
      const int slots = q.kind == QuantityKind::kState ? q.slot : slot_count;
      for (int slot = 0; slot < slots; ++slot) {
        read.push_back({QuantityKind::kState, q.value, slot});
      }
      break;
    }
  }
  std::sort(read.begin(), read.end());
  read.erase(std::unique(read.begin(), read.end()), read.end());
  return read;
}

}  // namespace gradus
