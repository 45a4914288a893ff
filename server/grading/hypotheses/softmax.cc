#include "server/grading/derivations.h"
#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/parts.h"

namespace gradus {
namespace {

const v1::Node& SigmoidNode() { return UsualActivations().front(); }

// The loss with logits that reads the value whose gradient is the root.
template <class T>
std::optional<ValueId> FusedLoss(const Scene<T>& scene) {
  if (scene.quantity.kind != QuantityKind::kGradient) return std::nullopt;
  for (const Use& use : GradientUses(scene.graph(), scene.quantity.value)) {
    if (use.position == 0 &&
        scene.graph().node(use.node).op->op_case == v1::Node::kCrossEntropyWithLogits) {
      return use.node;
    }
  }
  return std::nullopt;
}

// The softmax whose input gradient is the root.
template <class T>
std::optional<ValueId> SoftmaxAfter(const Scene<T>& scene) {
  if (scene.quantity.kind != QuantityKind::kGradient) return std::nullopt;
  for (const Use& use : GradientUses(scene.graph(), scene.quantity.value)) {
    if (scene.graph().node(use.node).op->op_case == v1::Node::kSoftmax) return use.node;
  }
  return std::nullopt;
}

template <class T>
Tensor<T> LastAxisSoftmax(const Tensor<T>& z) {
  v1::Node softmax;
  softmax.mutable_softmax();
  return ValueOf(softmax, z);
}

// p (u - sum u p) along the last axis.
template <class T>
Tensor<T> ThroughSoftmax(const Tensor<T>& p, const Tensor<T>& u) {
  Tensor<T> result(p.shape());
  const int64_t classes = p.shape().back();
  for (int64_t first = 0; first < p.size(); first += classes) {
    T sum = T(0);
    for (int64_t c = first; c < first + classes; ++c) sum += u[c] * p[c];
    for (int64_t c = first; c < first + classes; ++c) result[c] = p[c] * (u[c] - sum);
  }
  return result;
}

struct SoftmaxAsSigmoid {
  static constexpr std::string_view kCode = "softmax_as_sigmoid";
  static constexpr std::string_view kMessage =
      "The softmax was calculated as a sigmoid of each number for itself. Its denominator is the "
      "sum "
      "over all classes.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const ValueId id = scene.quantity.value;
    if (scene.quantity.kind == QuantityKind::kValue && scene.graph().is_node(id) &&
        scene.graph().node(id).op->op_case == v1::Node::kSoftmax) {
      readings.push_back(ValueOf(SigmoidNode(), *scene.own.operands(id)[0]));
    }
    if (const std::optional<ValueId> loss = FusedLoss(scene)) {
      readings.push_back(GradientFromProbabilities(
          scene.graph(), scene.own, *loss, ValueOf(SigmoidNode(), *scene.own.operands(*loss)[0])));
    }
  }
};

struct SoftmaxJacobianElementwise {
  static constexpr std::string_view kCode = "softmax_jacobian_elementwise";
  static constexpr std::string_view kMessage =
      "The softmax was differentiated element by element. Each of its outputs depends on all "
      "inputs, "
      "so the other elements add their share.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const std::optional<ValueId> softmax = SoftmaxAfter(scene);
    if (!softmax.has_value()) return;
    const Tensor<T>& a = scene.own.value(*softmax);
    readings.push_back(Product(scene.own.gradient(*softmax),
                               Mapped(a, [](const T& x) { return x * (T(1) - x); })));
  }
};

// p - t is where students begin, and what they multiply by the derivative of the softmax, or of the
// sigmoid, once more.
struct SoftmaxDifferentiatedTwice {
  static constexpr std::string_view kCode = "softmax_differentiated_twice";
  static constexpr std::string_view kMessage =
      "The softmax, or the sigmoid, was differentiated twice. The difference of probabilities and "
      "targets is already the gradient with respect to its inputs.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    if (scene.quantity.kind != QuantityKind::kGradient) return;
    const ValueId id = scene.quantity.value;
    for (const Use& use : GradientUses(graph, id)) {
      if (use.position != 0) continue;
      const Tensor<T>& operand = scene.own.value(id);
      switch (graph.node(use.node).op->op_case) {
        case v1::Node::kCrossEntropyWithLogits:
          AddThroughSoftmax(scene, LastAxisSoftmax(operand), readings);
          break;
        case v1::Node::kSoftmax:
          AddThroughSoftmax(scene, scene.own.value(use.node), readings);
          break;
        case v1::Node::kBinaryCrossEntropyWithLogits:
          readings.push_back(Product(scene.right, LogisticSlope(ValueOf(SigmoidNode(), operand))));
          break;
        case v1::Node::kSigmoid:
          if (FeedsCrossEntropy(graph, use.node)) {
            readings.push_back(Product(scene.right, scene.own.slope(use.node)));
          }
          break;
        // What belongs to the logits, written one step too early.
        case v1::Node::kCrossEntropy:
          if (graph.is_node(id) && graph.node(id).op->op_case == v1::Node::kSoftmax) {
            readings.push_back(GradientFromProbabilities(graph, scene.own, use.node, operand));
          }
          break;
        case v1::Node::kBinaryCrossEntropy:
          if (FeedsCrossEntropy(graph, id)) {
            readings.push_back(GradientFromProbabilities(graph, scene.own, use.node, operand));
          }
          break;
        default:
          break;
      }
    }
  }

 private:
  template <class T>
  static Tensor<T> LogisticSlope(const Tensor<T>& p) {
    return Mapped(p, [](const T& x) { return x * (T(1) - x); });
  }

  // By the whole Jacobian, or element by element.
  template <class T>
  static void AddThroughSoftmax(const Scene<T>& scene, const Tensor<T>& p, Readings<T>& readings) {
    readings.push_back(ThroughSoftmax(p, scene.right));
    readings.push_back(Product(scene.right, LogisticSlope(p)));
  }
};

}  // namespace

std::span<const Hypothesis> SoftmaxHypotheses() {
  static constexpr Hypothesis kHypotheses[] = {HypothesisOf<SoftmaxAsSigmoid>(),
                                               HypothesisOf<SoftmaxJacobianElementwise>(),
                                               HypothesisOf<SoftmaxDifferentiatedTwice>()};
  return kHypotheses;
}

}  // namespace gradus
