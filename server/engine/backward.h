#ifndef GRADUS_SERVER_ENGINE_BACKWARD_H_
#define GRADUS_SERVER_ENGINE_BACKWARD_H_

#include "server/engine/graph.h"
#include "server/engine/world.h"
#include "server/tensor/tensor.h"

namespace gradus {

// The elementwise derivative of an activation node, from its operand and output in `world`.
template <class T>
Tensor<T> ComputeSlope(const Graph& graph, const World<T>& world, ValueId activation);

// The gradient of the objective with respect to a value: the sum, over the nodes that read it, of
// their vector-Jacobian products, from values, slopes and the readers' gradients in `world`. The
// objective itself starts from `upstream`, of its shape. Zero for what does not reach the
// objective.
//
// Running ComputeSlope and this over Graph::gradient_order() is the backward pass.
template <class T>
Tensor<T> ComputeGradient(const Graph& graph, const World<T>& world, const Tensor<T>& upstream,
                          ValueId value);

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_BACKWARD_H_
