#include "server/grading/derivations.h"

#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "server/engine/backward.h"
#include "server/engine/forward.h"
#include "server/grading/override.h"
#include "server/ops/registry.h"

namespace gradus {
namespace {

// The softmax or sigmoid that a loss is fused with, where the network has it as a node of its own.
std::optional<ValueId> FindSibling(const Graph& graph, ValueId loss) {
  const GraphNode& node = graph.node(loss);
  v1::Node::OpCase wanted = v1::Node::OP_NOT_SET;
  if (node.op->op_case == v1::Node::kCrossEntropyWithLogits) wanted = v1::Node::kSoftmax;
  if (node.op->op_case == v1::Node::kBinaryCrossEntropyWithLogits) wanted = v1::Node::kSigmoid;
  if (wanted == v1::Node::OP_NOT_SET) return std::nullopt;
  for (const Use& use : graph.value(node.operands.front()).uses) {
    if (use.position == 0 && graph.node(use.node).op->op_case == wanted) return use.node;
  }
  return std::nullopt;
}

// The cross entropy as a function of probabilities.
v1::Node OnProbabilities(const v1::Node& loss) {
  if (loss.has_cross_entropy() || loss.has_binary_cross_entropy()) return loss;
  v1::Node node;
  if (loss.has_cross_entropy_with_logits()) {
    const v1::CrossEntropyWithLogits& fused = loss.cross_entropy_with_logits();
    v1::CrossEntropy& plain = *node.mutable_cross_entropy();
    plain.set_reduction(fused.reduction());
    plain.set_label_smoothing(fused.label_smoothing());
    *plain.mutable_class_weights() = fused.class_weights();
    if (fused.has_ignore_index()) plain.set_ignore_index(fused.ignore_index());
  } else {
    const v1::BinaryCrossEntropyWithLogits& fused = loss.binary_cross_entropy_with_logits();
    v1::BinaryCrossEntropy& plain = *node.mutable_binary_cross_entropy();
    plain.set_reduction(fused.reduction());
    if (fused.has_positive_weight()) plain.set_positive_weight(fused.positive_weight());
  }
  return node;
}

template <class T>
Tensor<T> LossOfProbabilities(const Graph& graph, const World<T>& world, ValueId loss,
                              ValueId sibling) {
  const v1::Node node = OnProbabilities(graph.node(loss).definition);
  std::vector<const Tensor<T>*> operands(world.operands(loss).begin(), world.operands(loss).end());
  operands[0] = &world.value(sibling);
  Tensor<T> output(graph.value(loss).shape);
  FindOp(node.op_case())->For<T>().forward({node, operands}, output);
  return output;
}

// Nodes that read a value and that its gradient flows through.
std::set<ValueId> ReadersOf(const Graph& graph, ValueId value) {
  std::set<ValueId> readers;
  for (const Use& use : graph.value(value).uses) {
    if (graph.carries_gradient(use)) readers.insert(use.node);
  }
  return readers;
}

// Computes a quantity with the outputs of some nodes, or only the slopes, made anew from what is
// before them.
template <class T>
Tensor<T> WithRemade(const CompiledProblem& problem, World<T>& world, int update,
                     const std::set<ValueId>& nodes, bool outputs, const Quantity& q) {
  const Graph& graph = problem.graph();
  std::vector<std::unique_ptr<Override<T>>> overrides;
  for (const ValueId node : nodes) {
    if (outputs) {
      overrides.push_back(std::make_unique<Override<T>>(world, Quantity{QuantityKind::kValue, node},
                                                        ComputeValue(graph, world, node)));
    }
    if (graph.node(node).op->is_activation()) {
      overrides.push_back(std::make_unique<Override<T>>(world, Quantity{QuantityKind::kSlope, node},
                                                        ComputeSlope(graph, world, node)));
    }
  }
  Tensor<T> result = problem.Compute(world, q, update);
  // In the opposite order of their making.
  while (!overrides.empty()) overrides.pop_back();
  return result;
}

}  // namespace

// A cross entropy is linear in log p, so its gradient g with respect to log p does not depend on p,
// and can be had at p = 1; that with respect to the logits is g_i - p_i sum_j g_j. With two
// classes, and logits 0 and z, that is the sigmoid's.
template <class T>
Tensor<T> GradientFromProbabilities(const Graph& graph, const World<T>& world, ValueId loss,
                                    const Tensor<T>& p) {
  Tensor<T> gradient(p.shape());
  const v1::Node node = OnProbabilities(graph.node(loss).definition);
  std::vector<const Tensor<T>*> operands(world.operands(loss).begin(), world.operands(loss).end());
  const auto gradient_at = [&](const T& probability) {
    const Tensor<T> at(p.shape(), std::vector<T>(static_cast<size_t>(p.size()), probability));
    operands[0] = &at;
    Tensor<T> result(p.shape());
    FindOp(node.op_case())
        ->For<T>()
        .vjp({{node, operands}, world.value(loss), world.gradient(loss)}, 0, result);
    return result;
  };
  if (node.has_binary_cross_entropy()) {
    // At p = 1/2 the gradient is -2 w t + 2 (1 - t) times the upstream gradient; at 1/4 it is
    // -4 w t + 4/3 (1 - t). Both parts follow, and w t (p - 1) + (1 - t) p from them.
    const Tensor<T> at_half = gradient_at(T(0.5));
    const Tensor<T> at_quarter = gradient_at(T(0.25));
    for (int64_t i = 0; i < p.size(); ++i) {
      const T negative = (at_half[i] * T(2) - at_quarter[i]) * T(0.375);
      const T positive = negative - at_half[i] * T(0.5);
      gradient[i] = negative * p[i] - positive * (T(1) - p[i]);
    }
    return gradient;
  }
  const Tensor<T> g = gradient_at(T(1));
  const int64_t classes = p.shape().back();
  for (int64_t first = 0; first < p.size(); first += classes) {
    T sum = T(0);
    for (int64_t c = 0; c < classes; ++c) sum += g[first + c];
    for (int64_t c = 0; c < classes; ++c) {
      gradient[first + c] = g[first + c] - p[first + c] * sum;
    }
  }
  return gradient;
}

template Tensor<double> GradientFromProbabilities(const Graph&, const World<double>&, ValueId,
                                                  const Tensor<double>&);
template Tensor<Interval> GradientFromProbabilities(const Graph&, const World<Interval>&, ValueId,
                                                    const Tensor<Interval>&);

std::vector<Quantity> OtherDependencies(const CompiledProblem& problem, const Quantity& q) {
  const Graph& graph = problem.graph();
  std::set<ValueId> losses;
  if (q.kind == QuantityKind::kGradient) losses = ReadersOf(graph, q.value);
  if (q.kind == QuantityKind::kValue && graph.is_node(q.value)) losses = {q.value};
  std::vector<Quantity> read;
  for (const ValueId loss : losses) {
    const std::optional<ValueId> sibling = FindSibling(graph, loss);
    if (sibling.has_value()) read.push_back({QuantityKind::kValue, *sibling});
  }
  return read;
}

std::vector<Estimated> OtherDerivations(const CompiledProblem& problem, View& view,
                                        const Quantity& q) {
  const Graph& graph = problem.graph();
  std::vector<Estimated> found;
  std::set<ValueId> nodes;
  if (q.kind == QuantityKind::kSlope) nodes = {q.value};
  if (q.kind == QuantityKind::kGradient) nodes = ReadersOf(graph, q.value);
  for (const bool outputs : {false, true}) {
    if (nodes.empty() || (q.kind == QuantityKind::kSlope && !outputs)) continue;
    found.push_back({WithRemade(problem, view.numbers(), view.update(), nodes, outputs, q),
                     WithRemade(problem, view.windows(), view.update(), nodes, outputs, q)});
  }
  const auto add_fused = [&](ValueId loss, auto compute) {
    const std::optional<ValueId> sibling = FindSibling(graph, loss);
    // It may come later in the order, and not be there yet.
    if (!sibling.has_value() || view.numbers().value(*sibling).size() == 0) return;
    found.push_back({compute(graph, view.numbers(), loss, *sibling),
                     compute(graph, view.windows(), loss, *sibling)});
  };
  if (q.kind == QuantityKind::kValue && graph.is_node(q.value)) {
    add_fused(q.value, [](const Graph& g, const auto& world, ValueId loss, ValueId sibling) {
      return LossOfProbabilities(g, world, loss, sibling);
    });
  }
  if (q.kind == QuantityKind::kGradient && nodes.size() == 1 &&
      graph.node(*nodes.begin()).operands.front() == q.value) {
    add_fused(*nodes.begin(), [](const Graph& g, const auto& world, ValueId loss, ValueId sibling) {
      return GradientFromProbabilities(g, world, loss, world.value(sibling));
    });
  }
  return found;
}

}  // namespace gradus
