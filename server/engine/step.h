#ifndef GRADUS_SERVER_ENGINE_STEP_H_
#define GRADUS_SERVER_ENGINE_STEP_H_

#include "gradus/v1/optimizer.pb.h"
#include "server/engine/graph.h"
#include "server/engine/world.h"
#include "server/tensor/tensor.h"

namespace gradus {

// A parameter after the optimizer's update, from its value and gradient in `world`. The optimizer
// has passed its rule's validation.
template <class T>
Tensor<T> ComputeNext(const Graph& graph, const World<T>& world, const v1::Optimizer& optimizer,
                      ValueId parameter);

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_STEP_H_
