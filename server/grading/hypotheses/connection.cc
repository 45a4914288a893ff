#include <algorithm>
#include <memory>
#include <utility>

#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/parts.h"

namespace gradus {
namespace {

// Other tensors that may be taken for one, at most.
constexpr size_t kMostConfused = 8;

template <class T>
Tensor<T> Transposed(const Tensor<T>& x) {
  Tensor<T> result(x.shape());
  const int64_t n = x.shape()[0];
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) result[i * n + j] = x[j * n + i];
  }
  return result;
}

bool IsSquare(const Shape& shape) { return shape.rank() == 2 && shape[0] == shape[1]; }

// Calls f for the square weights of the dense and matrix product nodes that the root is computed
// by.
template <class T, class F>
void ForEachSquareWeight(const Scene<T>& scene, F f) {
  const Graph& graph = scene.graph();
  const auto look = [&](ValueId node) {
    const v1::Node::OpCase op = graph.node(node).op->op_case;
    if (op != v1::Node::kDense && op != v1::Node::kMatMul) return;
    const ValueId weight = graph.node(node).operands[1];
    if (IsSquare(graph.value(weight).shape)) f(weight);
  };
  const ValueId id = scene.quantity.value;
  if (scene.quantity.kind == QuantityKind::kValue && graph.is_node(id)) look(id);
  if (scene.quantity.kind == QuantityKind::kGradient) {
    for (const Use& use : GradientUses(graph, id)) {
      if (use.position == 0) look(use.node);
    }
  }
}

struct TransposedWeights {
  static constexpr std::string_view kCode = "transposed_weights";
  static constexpr std::string_view kMessage =
      "A weight matrix was used with rows and columns exchanged. Look at which index is the unit "
      "and "
      "which the input, and at which of the passes needs the transpose.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    ForEachSquareWeight(scene, [&](ValueId weight) {
      const Override<T> transposed(scene.own, {QuantityKind::kValue, weight},
                                   Transposed(scene.own.value(weight)));
      readings.push_back(scene.Compute(scene.quantity));
    });
    const bool is_parameter =
        scene.graph().value(scene.quantity.value).kind == ValueKind::kParameter;
    if (scene.quantity.kind == QuantityKind::kGradient && is_parameter &&
        IsSquare(scene.right.shape())) {
      readings.push_back(Transposed(scene.right));
    }
  }
};

struct UpdateBeforeBackprop {
  static constexpr std::string_view kCode = "update_before_backprop";
  static constexpr std::string_view kMessage =
      "The backward pass used weights that were updated already. All gradients belong to the "
      "weights "
      "before the step.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    const Plan& plan = scene.problem.plan();
    if (scene.quantity.kind != QuantityKind::kGradient || plan.scope() != Scope::kStep ||
        scene.update >= plan.update_count() ||
        scene.problem.optimizer().clipping().has_global_norm()) {
      return;
    }
    for (const Use& use : GradientUses(graph, scene.quantity.value)) {
      for (const ValueId operand : graph.node(use.node).operands) {
        if (operand == scene.quantity.value || graph.value(operand).kind != ValueKind::kParameter) {
          continue;
        }
        AddWithUpdated(scene, operand, readings);
      }
    }
  }

 private:
  template <class T>
  static void AddWithUpdated(const Scene<T>& scene, ValueId weight, Readings<T>& readings) {
    for (const Use& use : GradientUses(scene.graph(), weight)) {
      if (scene.own.gradient(use.node).size() == 0) return;
    }
    const Override<T> gradient(scene.own, {QuantityKind::kGradient, weight},
                               scene.Compute({QuantityKind::kGradient, weight}));
    std::vector<std::unique_ptr<Override<T>>> states;
    for (int slot = 0; slot < scene.own.slot_count(); ++slot) {
      const Quantity state = {QuantityKind::kState, weight, slot};
      states.push_back(std::make_unique<Override<T>>(scene.own, state, scene.Compute(state)));
    }
    const Override<T> updated(scene.own, {QuantityKind::kValue, weight},
                              scene.Compute({QuantityKind::kNext, weight}));
    readings.push_back(scene.Compute(scene.quantity));
  }
};

// Another tensor of the same shape in the place of one that is read.
struct LayerIndexOffByOne {
  static constexpr std::string_view kCode = "layer_index_off_by_one";
  static constexpr std::string_view kMessage =
      "Numbers of another place in the network were used: its indices are off. Look at which "
      "weights, "
      "inputs and gradients meet here.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    const ValueId id = scene.quantity.value;
    switch (scene.quantity.kind) {
      case QuantityKind::kValue:
        if (graph.is_node(id)) AddOtherOperands(scene, id, -1, readings);
        break;
      case QuantityKind::kGradient:
        for (const Use& use : GradientUses(graph, id)) {
          if (graph.goes_through_slope(use)) {
            AddOther(scene, {QuantityKind::kSlope, use.node}, readings);
          } else {
            AddOtherOperands(scene, use.node, use.position, readings);
          }
          AddOther(scene, {QuantityKind::kGradient, use.node}, readings);
        }
        break;
      case QuantityKind::kSlope:
        AddOtherSlopes(scene, readings);
        break;
      case QuantityKind::kNext:
        AddOther(scene, {QuantityKind::kGradient, id}, readings);
        break;
      default:
        break;
    }
  }

 private:
  template <class T>
  static void AddOtherOperands(const Scene<T>& scene, ValueId node, int but,
                               Readings<T>& readings) {
    const std::vector<ValueId>& operands = scene.graph().node(node).operands;
    // An elementwise node has no index that could be off.
    const v1::Node::OpCase op = scene.graph().node(node).op->op_case;
    if (op != v1::Node::kDense && op != v1::Node::kMatMul) return;
    for (size_t i = 0; i < operands.size(); ++i) {
      if (static_cast<int>(i) != but)
        AddOther(scene, {QuantityKind::kValue, operands[i]}, readings);
    }
  }

  template <class T>
  static void AddOtherSlopes(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    size_t added = 0;
    bool is_there = true;
    for (const Quantity& q : graph.gradient_order()) {
      if (q == scene.quantity) is_there = false;
      if (q.kind != QuantityKind::kSlope || q == scene.quantity || added == kMostConfused ||
          graph.value(q.value).shape != scene.right.shape()) {
        continue;
      }
      readings.push_back(is_there ? scene.own.slope(q.value) : scene.Compute(q));
      ++added;
    }
  }

  template <class T>
  static void AddOther(const Scene<T>& scene, const Quantity& q, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    size_t added = 0;
    for (size_t v = 0; v < graph.values().size() && added < kMostConfused; ++v) {
      const Quantity other = {q.kind, static_cast<ValueId>(v)};
      const Value& value = graph.values()[v];
      const bool is_parameter = value.kind == ValueKind::kParameter;
      // Nobody works out the gradient of an input or a target.
      if (q.kind == QuantityKind::kGradient && value.kind == ValueKind::kInput) continue;
      if (other.value == q.value || value.shape != graph.value(q.value).shape ||
          is_parameter != (graph.value(q.value).kind == ValueKind::kParameter) ||
          scene.own.At(other).size() != value.shape.element_count()) {
        continue;
      }
      const Tensor<T>& taken = scene.own.At(HasNameOfItsOwn(scene, q, other) ? q : other);
      const Override<T> confused(scene.own, q, taken);
      readings.push_back(scene.Compute(scene.quantity));
      ++added;
    }
  }

  // Whether a derivative is missing: with a slope of ones, or with the gradient of the activation
  // for that of its pre-activation, wherever these may come from.
  template <class T>
  static bool HasNameOfItsOwn(const Scene<T>& scene, const Quantity& q, const Quantity& other) {
    const Tensor<T>& taken = scene.own.At(other);
    if (q.kind == QuantityKind::kSlope) return IsTrivial(taken);
    if (q.kind != QuantityKind::kGradient) return false;
    const std::optional<ValueId> after = ActivationAfter(scene.graph(), q.value);
    if (!after.has_value()) return false;
    const Tensor<T>& gradient = scene.own.gradient(*after);
    return std::equal(taken.values().begin(), taken.values().end(), gradient.values().begin(),
                      gradient.values().end(),
                      [](const T& a, const T& b) { return PlainValue(a) == PlainValue(b); });
  }
};

// What penalties add to the gradient that is the root; that is left out by a mistake of its own.
template <class T>
Tensor<T> ShareOfPenalties(const Scene<T>& scene) {
  Tensor<T> share(scene.right.shape());
  for (const Use& use : UsesInPenalties(scene.graph(), scene.quantity.value, true)) {
    share = Sum(share, Contribution(scene, use));
  }
  return share;
}

struct MissingResidualPath {
  static constexpr std::string_view kCode = "missing_residual_path";
  static constexpr std::string_view kMessage =
      "One of several paths is missing. What is used in several places gets a share from each of "
      "them, "
      "and a sum has all its terms.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    const ValueId id = scene.quantity.value;
    if (scene.quantity.kind == QuantityKind::kValue && graph.is_node(id) &&
        graph.node(id).op->op_case == v1::Node::kAdd) {
      for (const ValueId operand : graph.node(id).operands) {
        const Tensor<T>& one = scene.own.value(operand);
        if (one.shape() != scene.right.shape() || IsPenalty(graph, operand)) continue;
        readings.push_back(Mapped(scene.right, one,
                                  [](const T& all, const T& left_out) { return all - left_out; }));
      }
    }
    if (scene.quantity.kind != QuantityKind::kGradient ||
        graph.value(id).kind == ValueKind::kParameter) {
      return;
    }
    const std::vector<Use> uses = UsesInPenalties(graph, id, false);
    if (uses.size() < 2 || uses.size() > kMostConfused) return;
    for (size_t left_out = 0; left_out < uses.size(); ++left_out) {
      Tensor<T> sum = ShareOfPenalties(scene);
      for (size_t u = 0; u < uses.size(); ++u) {
        if (u != left_out) sum = Sum(sum, Contribution(scene, uses[u]));
      }
      readings.push_back(std::move(sum));
    }
  }
};

struct SharedParameterLastUseOnly {
  static constexpr std::string_view kCode = "shared_parameter_last_use_only";
  static constexpr std::string_view kMessage =
      "The parameter is used several times, but only one of its uses is in the gradient. The "
      "shares of "
      "all uses add up.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const ValueId id = scene.quantity.value;
    if (scene.quantity.kind != QuantityKind::kGradient ||
        scene.graph().value(id).kind != ValueKind::kParameter) {
      return;
    }
    const std::vector<Use> uses = UsesInPenalties(scene.graph(), id, false);
    if (uses.size() < 2) return;
    const Tensor<T> penalties = ShareOfPenalties(scene);
    readings.push_back(Sum(penalties, Contribution(scene, uses.back())));
    readings.push_back(Sum(penalties, Contribution(scene, uses.front())));
  }
};

}  // namespace

std::span<const Hypothesis> ConnectionHypotheses() {
  static constexpr Hypothesis kHypotheses[] = {
      HypothesisOf<TransposedWeights>(), HypothesisOf<UpdateBeforeBackprop>(),
      HypothesisOf<LayerIndexOffByOne>(), HypothesisOf<MissingResidualPath>(),
      HypothesisOf<SharedParameterLastUseOnly>()};
  return kHypotheses;
}

}  // namespace gradus
