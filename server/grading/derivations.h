#ifndef GRADUS_SERVER_GRADING_DERIVATIONS_H_
#define GRADUS_SERVER_GRADING_DERIVATIONS_H_

#include <vector>

#include "server/grading/compiled_problem.h"
#include "server/grading/view.h"

namespace gradus {

// A quantity by other right derivations than F_q, from what a view holds:
//   - the derivative of an activation, or of a softmax, from what its node reads, and not from the
//     slope or the output that the view holds, or from that output and not from the slope;
//   - a loss that is fused with a softmax or sigmoid, and its gradient, from a node beside it that
//     computes the same function of the same input (p - t): the graph has no edge from p there.
// Only those that the network has. The view is as before afterwards.
std::vector<Estimated> OtherDerivations(const CompiledProblem& problem, View& view,
                                        const Quantity& q);

// What they read beyond the quantity's own dependencies: the node beside a fused loss.
std::vector<Quantity> OtherDependencies(const CompiledProblem& problem, const Quantity& q);

// The gradient of a cross entropy with respect to the logits of a softmax or sigmoid, from
// probabilities p in place of what the logits make: for one-hot targets p - t. `loss` is a
// cross_entropy or binary_cross_entropy node, with logits or without.
template <class T>
Tensor<T> GradientFromProbabilities(const Graph& graph, const World<T>& world, ValueId loss,
                                    const Tensor<T>& p);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_DERIVATIONS_H_
