#include "server/engine/step.h"

#include "server/optimizers/optimizer.h"

namespace gradus {

template <class T>
Tensor<T> ComputeNext(const Graph& graph, const World<T>& world, const v1::Optimizer& optimizer,
                      ValueId parameter) {
  Tensor<T> next(graph.value(parameter).shape);
  FindOptimizerRule(optimizer.rule_case())
      ->For<T>()
      .update({optimizer, world.value(parameter), world.gradient(parameter)}, next);
  return next;
}

template Tensor<double> ComputeNext(const Graph&, const World<double>&, const v1::Optimizer&,
                                    ValueId);
template Tensor<float> ComputeNext(const Graph&, const World<float>&, const v1::Optimizer&,
                                   ValueId);

}  // namespace gradus
