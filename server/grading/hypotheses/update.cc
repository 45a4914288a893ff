#include <cmath>
#include <memory>
#include <set>
#include <vector>

#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/parts.h"
#include "server/optimizers/optimizer.h"

namespace gradus {
namespace {

template <class T>
bool IsNext(const Scene<T>& scene) {
  return scene.quantity.kind == QuantityKind::kNext;
}

struct GradientAscent {
  static constexpr std::string_view kCode = "gradient_ascent";
  static constexpr std::string_view kMessage =
      "The step goes up the gradient. To make the loss smaller, the learning rate times the "
      "gradient "
      "is subtracted.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    if (IsNext(scene)) readings.push_back(Stepped(scene, -1));
  }
};

struct LearningRateTwice {
  static constexpr std::string_view kCode = "learning_rate_twice";
  static constexpr std::string_view kMessage =
      "The learning rate was applied more than once. It multiplies the gradient once, in the "
      "update.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    if (IsNext(scene)) readings.push_back(Stepped(scene, LearningRate(scene)));
  }
};

struct LearningRateMissing {
  static constexpr std::string_view kCode = "learning_rate_missing";
  static constexpr std::string_view kMessage =
      "The learning rate is missing. It multiplies the gradient in the update.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    if (!IsNext(scene) || LearningRate(scene) == 0) return;
    readings.push_back(Stepped(scene, 1 / LearningRate(scene)));
  }
};

struct NoUpdate {
  static constexpr std::string_view kCode = "no_update";
  static constexpr std::string_view kMessage =
      "The parameter is what it was before the step. It was not updated.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    if (IsNext(scene)) readings.push_back(Stepped(scene, 0));
  }
};

// The update by another optimizer, from the student's own state.
template <class T>
Tensor<T> UpdatedBy(const Scene<T>& scene, const v1::Optimizer& optimizer) {
  const Updater<T> updater(scene.graph(), scene.own, scene.problem.network(), optimizer,
                           scene.problem.plan().UpdateNumber(scene.update));
  return IsNext(scene) ? updater.Next(scene.quantity.value)
                       : updater.State(scene.quantity.value, scene.quantity.slot);
}

template <class T>
void AddWithDecay(const Scene<T>& scene, double factor, Readings<T>& readings) {
  const bool is_update = IsNext(scene) || scene.quantity.kind == QuantityKind::kState;
  if (!is_update || scene.problem.optimizer().weight_decay().coefficient() == 0) return;
  v1::Optimizer optimizer = scene.problem.optimizer();
  optimizer.mutable_weight_decay()->set_coefficient(factor *
                                                    optimizer.weight_decay().coefficient());
  readings.push_back(UpdatedBy(scene, optimizer));
}

// Each penalty that is a part of the root, and all of them together, taken `factor` times: as a
// term of a sum, or as what it adds to the gradient of what it reads.
template <class T>
void AddWithPenalties(const Scene<T>& scene, double factor, Readings<T>& readings) {
  const Graph& graph = scene.graph();
  const ValueId id = scene.quantity.value;
  std::set<Quantity> penalties;
  if (scene.quantity.kind == QuantityKind::kGradient) {
    for (const Use& use : UsesInPenalties(graph, id, true)) {
      penalties.insert({QuantityKind::kGradient, use.node});
    }
  } else if (scene.quantity.kind == QuantityKind::kValue && graph.is_node(id) &&
             graph.node(id).op->op_case == v1::Node::kAdd) {
    for (const ValueId operand : graph.node(id).operands) {
      if (IsPenalty(graph, operand)) penalties.insert({QuantityKind::kValue, operand});
    }
  }
  for (const Quantity& penalty : penalties) {
    const Override<T> scaled(scene.own, penalty, Scaled(scene.own.At(penalty), factor));
    readings.push_back(scene.Compute(scene.quantity));
  }
  if (penalties.size() < 2) return;
  std::vector<std::unique_ptr<Override<T>>> all;
  for (const Quantity& penalty : penalties) {
    all.push_back(
        std::make_unique<Override<T>>(scene.own, penalty, Scaled(scene.own.At(penalty), factor)));
  }
  readings.push_back(scene.Compute(scene.quantity));
}

struct MissingRegularization {
  static constexpr std::string_view kCode = "missing_regularization";
  static constexpr std::string_view kMessage =
      "The regularisation is missing. It adds a term of the parameter itself.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    AddWithDecay(scene, 0, readings);
    AddWithPenalties(scene, 0, readings);
  }
};

struct DoubledRegularization {
  static constexpr std::string_view kCode = "doubled_regularization";
  static constexpr std::string_view kMessage =
      "The regularisation counts twice. Look at its constant, and at where it was added already.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    AddWithDecay(scene, 2, readings);
    AddWithPenalties(scene, 2, readings);
  }
};

struct MomentumForgotten {
  static constexpr std::string_view kCode = "momentum_forgotten";
  static constexpr std::string_view kMessage =
      "The momentum is missing: this is the step of the plain gradient. Look at what is kept of "
      "the "
      "steps before.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const v1::Optimizer& optimizer = scene.problem.optimizer();
    if (!optimizer.has_sgd() || optimizer.sgd().momentum() == 0) return;
    const Tensor<T>& gradient = scene.own.gradient(scene.quantity.value);
    if (IsNext(scene)) {
      readings.push_back(
          Mapped(scene.own.value(scene.quantity.value), gradient,
                 [&](const T& before, const T& g) { return before - T(LearningRate(scene)) * g; }));
    } else if (scene.quantity.kind == QuantityKind::kState) {
      readings.push_back(gradient);
    }
  }
};

struct BiasCorrectionForgotten {
  static constexpr std::string_view kCode = "bias_correction_forgotten";
  static constexpr std::string_view kMessage =
      "The moments were used without their correction. Divided by one minus the power of the "
      "decay, "
      "they forget that they started from zero.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    using std::sqrt;
    const v1::Optimizer& optimizer = scene.problem.optimizer();
    if (!IsNext(scene) || !optimizer.has_adam() || scene.own.slot_count() < 2) return;
    constexpr double kDefaultEpsilon = 1e-8;
    const double adam_epsilon =
        optimizer.adam().has_adam_epsilon() ? optimizer.adam().adam_epsilon() : kDefaultEpsilon;
    const ValueId id = scene.quantity.value;
    const Tensor<T> ratio =
        Mapped(scene.own.state(id, 0), scene.own.state(id, 1),
               [&](const T& m, const T& v) { return m / (sqrt(v) + T(adam_epsilon)); });
    readings.push_back(Mapped(scene.own.value(id), ratio, [&](const T& before, const T& step) {
      return before - T(LearningRate(scene)) * step;
    }));
  }
};

}  // namespace

std::span<const Hypothesis> UpdateHypotheses() {
  static constexpr Hypothesis kHypotheses[] = {
      HypothesisOf<GradientAscent>(),        HypothesisOf<LearningRateTwice>(),
      HypothesisOf<LearningRateMissing>(),   HypothesisOf<NoUpdate>(),
      HypothesisOf<MissingRegularization>(), HypothesisOf<DoubledRegularization>(),
      HypothesisOf<MomentumForgotten>(),     HypothesisOf<BiasCorrectionForgotten>()};
  return kHypotheses;
}

}  // namespace gradus
