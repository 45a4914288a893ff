#include "server/engine/forward.h"

#include "server/engine/operands.h"

namespace gradus {

template <class T>
Tensor<T> ComputeValue(const Graph& graph, const World<T>& world, ValueId id) {
  const GraphNode& node = graph.node(id);
  const auto operands = OperandsOf(node, world);
  Tensor<T> output(graph.value(id).shape);
  node.op->For<T>().forward({node.definition, operands}, output);
  return output;
}

template Tensor<double> ComputeValue(const Graph&, const World<double>&, ValueId);
template Tensor<float> ComputeValue(const Graph&, const World<float>&, ValueId);

}  // namespace gradus
