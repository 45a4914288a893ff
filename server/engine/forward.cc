#include "server/engine/forward.h"

namespace gradus {

template <class T>
Tensor<T> ComputeValue(const Graph& graph, const World<T>& world, ValueId node) {
  const GraphNode& n = graph.node(node);
  Tensor<T> output(graph.value(node).shape);
  n.op->For<T>().forward({n.definition, world.operands(node)}, output);
  return output;
}

template Tensor<double> ComputeValue(const Graph&, const World<double>&, ValueId);
template Tensor<float> ComputeValue(const Graph&, const World<float>&, ValueId);
template Tensor<Dual> ComputeValue(const Graph&, const World<Dual>&, ValueId);
template Tensor<Interval> ComputeValue(const Graph&, const World<Interval>&, ValueId);

}  // namespace gradus
