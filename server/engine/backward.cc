#include "server/engine/backward.h"

#include "server/kernels/map.h"

namespace gradus {

template <class T>
Tensor<T> ComputeSlope(const Graph& graph, const World<T>& world, ValueId activation) {
  const GraphNode& node = graph.node(activation);
  Tensor<T> slope(graph.value(activation).shape);
  node.op->For<T>().slope({node.definition, world.operands(activation)}, world.value(activation),
                          slope);
  return slope;
}

template <class T>
Tensor<T> ComputeGradient(const Graph& graph, const World<T>& world, const Tensor<T>& upstream,
                          ValueId value) {
  const Value& v = graph.value(value);
  Tensor<T> gradient = graph.objective() == value ? upstream : Tensor<T>(v.shape);
  for (const Use& use : v.uses) {
    // A branch that does not reach the objective has gradient 0, even where its slope is infinite.
    if (!graph.carries_gradient(use)) continue;
    const GraphNode& reader = graph.node(use.node);
    const Tensor<T>& reader_gradient = world.gradient(use.node);
    if (graph.goes_through_slope(use)) {
      MapAdd(reader_gradient, world.slope(use.node), gradient,
             [](const T& u, const T& slope) { return u * slope; });
    } else {
      reader.op->For<T>().vjp(
          {{reader.definition, world.operands(use.node)}, world.value(use.node), reader_gradient},
          use.position, gradient);
    }
  }
  return gradient;
}

template Tensor<double> ComputeSlope(const Graph&, const World<double>&, ValueId);
template Tensor<float> ComputeSlope(const Graph&, const World<float>&, ValueId);
template Tensor<Interval> ComputeSlope(const Graph&, const World<Interval>&, ValueId);
template Tensor<double> ComputeGradient(const Graph&, const World<double>&, const Tensor<double>&,
                                        ValueId);
template Tensor<float> ComputeGradient(const Graph&, const World<float>&, const Tensor<float>&,
                                       ValueId);
template Tensor<Interval> ComputeGradient(const Graph&, const World<Interval>&,
                                          const Tensor<Interval>&, ValueId);

}  // namespace gradus
