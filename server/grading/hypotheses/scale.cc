#include <cmath>

#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/parts.h"

namespace gradus {
namespace {

bool IsNext(const Quantity& q) { return q.kind == QuantityKind::kNext; }

struct SignFlip {
  static constexpr std::string_view kCode = "sign_flip";
  static constexpr std::string_view kMessage =
      "The sign is the wrong way round. Look at which number is subtracted from which, as in y - "
      "t, "
      "and at the signs that the chain rule multiplies.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    if (!IsNext(scene.quantity)) readings.push_back(Scaled(scene.right, -1));
  }
};

// Twice or half of it, or of the step.
struct Factor {
  static constexpr std::string_view kCode = "factor";
  static constexpr std::string_view kMessage =
      "All wrong numbers, or the steps to them, are off by one and the same factor. Look at the "
      "constants, such as the half "
      "in front of a squared error, and at what is averaged.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const bool is_step = IsNext(scene.quantity);
    for (const double factor : {2.0, 0.5}) {
      // With such a rate it is the learning rate that was forgotten, or applied twice.
      if (is_step && (LearningRate(scene) == factor || LearningRate(scene) == 1 / factor)) continue;
      readings.push_back(is_step ? Stepped(scene, factor) : Scaled(scene.right, factor));
    }
  }
};

// One ratio for all elements that are wrong, two at least. It explains too much to stand beside a
// mistake in the calculation.
struct CommonRatio {
  static constexpr std::string_view kCode = Factor::kCode;
  static constexpr std::string_view kMessage = Factor::kMessage;
  static constexpr Generality kGenerality = Generality::kGeneric;

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    if (IsNext(scene.quantity)) return;
    if (scene.wrong.size() < 2) return;
    int64_t largest = scene.wrong.front();
    for (const int64_t i : scene.wrong) {
      if (std::abs(PlainValue(scene.right[i])) > std::abs(PlainValue(scene.right[largest]))) {
        largest = i;
      }
    }
    const double ratio =
        *scene.written[static_cast<size_t>(largest)] / PlainValue(scene.right[largest]);
    // Small errors of any kind have nearly the same ratio.
    constexpr double kPlain = 0.02;
    if (std::isfinite(ratio) && ratio > 0 && std::abs(ratio - 1) > kPlain) {
      readings.push_back(Scaled(scene.right, ratio));
    }
  }
};

struct LossConstant {
  static constexpr std::string_view kCode = "loss_constant";
  static constexpr std::string_view kMessage =
      "The constant of the loss is not the one of this loss. Look at whether the square comes with "
      "a "
      "half in front of it, and what that makes of its derivative.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    const auto is_square = [&](ValueId node) {
      const v1::Node::OpCase op = graph.node(node).op->op_case;
      return op == v1::Node::kHalfSquaredError || op == v1::Node::kSquaredError;
    };
    const ValueId id = scene.quantity.value;
    bool applies = scene.quantity.kind == QuantityKind::kValue && is_square(id);
    if (scene.quantity.kind == QuantityKind::kGradient) {
      for (const Use& use : GradientUses(graph, id)) applies = applies || is_square(use.node);
    }
    if (!applies) return;
    for (const double factor : {2.0, 0.5}) readings.push_back(Scaled(scene.right, factor));
  }
};

}  // namespace

std::span<const Hypothesis> ScaleHypotheses() {
  static constexpr Hypothesis kHypotheses[] = {HypothesisOf<SignFlip>(), HypothesisOf<Factor>(),
                                               HypothesisOf<CommonRatio>(),
                                               HypothesisOf<LossConstant>()};
  return kHypotheses;
}

}  // namespace gradus
