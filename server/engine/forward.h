#ifndef GRADUS_SERVER_ENGINE_FORWARD_H_
#define GRADUS_SERVER_ENGINE_FORWARD_H_

#include "server/engine/graph.h"
#include "server/engine/world.h"
#include "server/tensor/tensor.h"

namespace gradus {

// The value of a node, from the values of its operands in `world`: one op call. Running it over
// Graph::value_order() is the forward pass.
template <class T>
Tensor<T> ComputeValue(const Graph& graph, const World<T>& world, ValueId node);

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_FORWARD_H_
