#ifndef GRADUS_SERVER_ENGINE_OPERANDS_H_
#define GRADUS_SERVER_ENGINE_OPERANDS_H_

#include <vector>

#include "server/engine/graph.h"
#include "server/engine/world.h"
#include "server/tensor/tensor.h"

namespace gradus {

// The numbers that a node reads in a world, by position.
template <class T>
std::vector<const Tensor<T>*> OperandsOf(const GraphNode& node, const World<T>& world) {
  std::vector<const Tensor<T>*> operands;
  operands.reserve(node.operands.size());
  for (const ValueId operand : node.operands) operands.push_back(&world.value(operand));
  return operands;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_OPERANDS_H_
