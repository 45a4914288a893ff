#ifndef GRADUS_SERVER_GRADING_HYPOTHESES_PARTS_H_
#define GRADUS_SERVER_GRADING_HYPOTHESES_PARTS_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "server/grading/hypotheses/hypothesis.h"
#include "server/grading/override.h"
#include "server/ops/registry.h"
#include "server/optimizers/common.h"
#include "server/optimizers/optimizer.h"

// What hypotheses are put together from: parts of the calculation at the place of an error.

namespace gradus {

// f of each element.
template <class T, class F>
Tensor<T> Mapped(const Tensor<T>& x, F f) {
  Tensor<T> result(x.shape());
  for (int64_t i = 0; i < x.size(); ++i) result[i] = f(x[i]);
  return result;
}
// f of each pair of elements; both of one shape.
template <class T, class F>
Tensor<T> Mapped(const Tensor<T>& x, const Tensor<T>& y, F f) {
  Tensor<T> result(x.shape());
  for (int64_t i = 0; i < x.size(); ++i) result[i] = f(x[i], y[i]);
  return result;
}
template <class T>
Tensor<T> Scaled(const Tensor<T>& x, double factor) {
  return Mapped(x, [&](const T& element) { return element * T(factor); });
}
template <class T>
Tensor<T> Sum(const Tensor<T>& x, const Tensor<T>& y) {
  return Mapped(x, y, [](const T& a, const T& b) { return a + b; });
}
template <class T>
Tensor<T> Product(const Tensor<T>& x, const Tensor<T>& y) {
  return Mapped(x, y, [](const T& a, const T& b) { return a * b; });
}

// The uses of a value that its gradient flows through.
inline std::vector<Use> GradientUses(const Graph& graph, ValueId value) {
  std::vector<Use> uses;
  for (const Use& use : graph.value(value).uses) {
    if (graph.carries_gradient(use)) uses.push_back(use);
  }
  return uses;
}

// Whether a value is a penalty, or one times a constant.
inline bool IsPenalty(const Graph& graph, ValueId value) {
  while (graph.is_node(value)) {
    switch (graph.node(value).op->op_case) {
      case v1::Node::kL1Penalty:
      case v1::Node::kL2Penalty:
      case v1::Node::kElasticNetPenalty:
        return true;
      case v1::Node::kScale:
        value = graph.node(value).operands.front();
        break;
      default:
        return false;
    }
  }
  return false;
}
// The uses of a value that its gradient flows through, by penalties or by everything else.
inline std::vector<Use> UsesInPenalties(const Graph& graph, ValueId value, bool in_penalties) {
  std::vector<Use> uses = GradientUses(graph, value);
  std::erase_if(uses, [&](const Use& use) { return IsPenalty(graph, use.node) != in_penalties; });
  return uses;
}

// Output and slope of an elementwise op at given numbers.
template <class T>
Tensor<T> ValueOf(const v1::Node& node, const Tensor<T>& z) {
  const Tensor<T>* const operands[] = {&z};
  Tensor<T> output(z.shape());
  FindOp(node.op_case())->For<T>().forward({node, operands}, output);
  return output;
}
template <class T>
Tensor<T> SlopeOf(const v1::Node& node, const Tensor<T>& z, const Tensor<T>& a) {
  const Tensor<T>* const operands[] = {&z};
  Tensor<T> slope(z.shape());
  FindOp(node.op_case())->For<T>().slope({node, operands}, a, slope);
  return slope;
}

// The activations that students take for each other.
inline std::span<const v1::Node> UsualActivations() {
  static const std::vector<v1::Node>* const kNodes = [] {
    auto* nodes = new std::vector<v1::Node>(3);
    (*nodes)[0].mutable_sigmoid();
    (*nodes)[1].mutable_tanh();
    (*nodes)[2].mutable_relu();
    return nodes;
  }();
  return *kNodes;
}

// Whether a slope leaves the gradient as it is, or nothing of it, as that of a rectifier may: then
// it is no sign of the activation that it belongs to.
template <class T>
bool IsTrivial(const Tensor<T>& slope) {
  const auto is_all = [&](double number) {
    for (int64_t i = 0; i < slope.size(); ++i) {
      if (PlainValue(slope[i]) != number) return false;
    }
    return true;
  };
  return is_all(0) || is_all(1);
}

// What one use adds to the gradient of what it reads.
template <class T>
Tensor<T> Contribution(const Scene<T>& scene, const Use& use, const Tensor<T>& upstream) {
  const GraphNode& reader = scene.graph().node(use.node);
  if (scene.graph().goes_through_slope(use)) return Product(upstream, scene.own.slope(use.node));
  Tensor<T> gradient(scene.graph().value(reader.operands[static_cast<size_t>(use.position)]).shape);
  reader.op->template For<T>().vjp(
      {{reader.definition, scene.own.operands(use.node)}, scene.own.value(use.node), upstream},
      use.position, gradient);
  return gradient;
}
template <class T>
Tensor<T> Contribution(const Scene<T>& scene, const Use& use) {
  return Contribution(scene, use, scene.own.gradient(use.node));
}

// Adds the quantity as it is with another slope of the activation at the root: the slope itself, or
// the gradient in front of it. `slope_of(activation)` makes the other slope.
template <class T, class F>
void AddWithSlope(const Scene<T>& scene, F slope_of, Readings<T>& readings) {
  const ValueId id = scene.quantity.value;
  if (scene.quantity.kind == QuantityKind::kSlope) {
    readings.push_back(slope_of(id));
    return;
  }
  if (scene.quantity.kind != QuantityKind::kGradient) return;
  for (const Use& use : GradientUses(scene.graph(), id)) {
    if (!scene.graph().goes_through_slope(use)) continue;
    const Override<T> other(scene.own, {QuantityKind::kSlope, use.node}, slope_of(use.node));
    readings.push_back(scene.Compute(scene.quantity));
  }
}

// Whether a sigmoid makes the probabilities of a cross entropy. To differentiate it twice is then a
// mistake with a name of its own.
inline bool FeedsCrossEntropy(const Graph& graph, ValueId node) {
  if (!graph.is_node(node) || graph.node(node).op->op_case != v1::Node::kSigmoid) return false;
  const std::vector<Use> uses = GradientUses(graph, node);
  return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
    return use.position == 0 && graph.node(use.node).op->op_case == v1::Node::kBinaryCrossEntropy;
  });
}

// The activation that reads a node, whose gradient may be taken for that of the node.
inline std::optional<ValueId> ActivationAfter(const Graph& graph, ValueId node) {
  for (const Use& use : graph.value(node).uses) {
    if (graph.goes_through_slope(use) && graph.value(use.node).reaches_objective) return use.node;
  }
  return std::nullopt;
}

// The learning rate of the update.
template <class T>
double LearningRate(const Scene<T>& scene) {
  const v1::Optimizer& optimizer = scene.problem.optimizer();
  return ScheduledLearningRate(optimizer.schedule(),
                               FindOptimizerRule(optimizer.rule_case())->learning_rate(optimizer),
                               scene.problem.plan().UpdateNumber(scene.update));
}

// What a step leads to that is taken `times` over, the quantity being kNext: 0 is no step, -1 the
// step in the other direction.
template <class T>
Tensor<T> Stepped(const Scene<T>& scene, double times) {
  return Mapped(
      scene.own.value(scene.quantity.value), scene.right,
      [&](const T& before, const T& after) { return before + T(times) * (after - before); });
}

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_HYPOTHESES_PARTS_H_
