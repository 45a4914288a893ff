#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/parts.h"

namespace gradus {
namespace {

template <class T>
const Tensor<T>& PreActivation(const Scene<T>& scene, ValueId activation) {
  return *scene.own.operands(activation)[0];
}

// Ops whose slope can be had from one operand.
bool IsPlain(const Graph& graph, ValueId activation) {
  return graph.node(activation).operands.size() == 1;
}

// The gradient of what is after the activation taken for that of what is before it: at the
// pre-activation itself, or where the node in front of it is differentiated.
struct MissingActivationDerivative {
  static constexpr std::string_view kCode = "missing_activation_derivative";
  static constexpr std::string_view kMessage =
      "The derivative of the activation is missing. The gradient with respect to a pre-activation "
      "is "
      "that with respect to the activation times the slope, element by element.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    if (scene.quantity.kind != QuantityKind::kGradient) return;
    for (const Use& use : GradientUses(graph, scene.quantity.value)) {
      const GraphNode& reader = graph.node(use.node);
      if (graph.goes_through_slope(use)) {
        const Override<T> one(scene.own, {QuantityKind::kSlope, use.node},
                              Mapped(scene.right, [](const T&) { return T(1); }));
        readings.push_back(scene.Compute(scene.quantity));
      } else if (reader.op->op_case == v1::Node::kSoftmax) {
        readings.push_back(scene.own.gradient(use.node));
      } else if (const std::optional<ValueId> after = ActivationAfter(graph, use.node)) {
        const Override<T> early(scene.own, {QuantityKind::kGradient, use.node},
                                scene.own.gradient(*after));
        readings.push_back(scene.Compute(scene.quantity));
      }
    }
  }
};

struct DerivativeAtActivation {
  static constexpr std::string_view kCode = "derivative_at_activation";
  static constexpr std::string_view kMessage =
      "The derivative of the activation was taken at the wrong place: at the activation instead of "
      "the pre-activation, or the other way round. Look at what stands in its formula.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const auto node_of = [&](ValueId a) -> const GraphNode& { return scene.graph().node(a); };
    const auto at_activation = [&](ValueId a) {
      if (!IsPlain(scene.graph(), a)) return scene.Compute({QuantityKind::kSlope, a});
      const Tensor<T>& value = scene.own.value(a);
      return SlopeOf(node_of(a).definition, value, ValueOf(node_of(a).definition, value));
    };
    const auto at_pre_activation = [&](ValueId a) {
      if (!IsPlain(scene.graph(), a)) return scene.Compute({QuantityKind::kSlope, a});
      const Tensor<T>& z = PreActivation(scene, a);
      return SlopeOf(node_of(a).definition, z, z);
    };
    AddWithSlope(scene, at_activation, readings);
    AddWithSlope(scene, at_pre_activation, readings);
  }
};

struct ExtraActivationDerivative {
  static constexpr std::string_view kCode = "extra_activation_derivative";
  static constexpr std::string_view kMessage =
      "A derivative of an activation was multiplied once too often. Look at which one already is "
      "in "
      "the gradient that you started from.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    AddWithSlope(
        scene,
        [&](ValueId a) {
          if (scene.quantity.kind == QuantityKind::kSlope) return Product(scene.right, scene.right);
          const Tensor<T>& slope = scene.own.slope(a);
          return FeedsCrossEntropy(graph, a) ? slope : Product(slope, slope);
        },
        readings);
    if (scene.quantity.kind != QuantityKind::kGradient) return;
    const ValueId id = scene.quantity.value;
    if (graph.is_node(id) && graph.node(id).op->is_activation() && !FeedsCrossEntropy(graph, id)) {
      readings.push_back(Product(scene.right, scene.Compute({QuantityKind::kSlope, id})));
    }
    for (const Use& use : GradientUses(graph, id)) {
      if (graph.goes_through_slope(use)) continue;
      const std::optional<ValueId> after = ActivationAfter(graph, use.node);
      if (!after.has_value()) continue;
      const Override<T> twice(scene.own, {QuantityKind::kGradient, use.node},
                              Product(scene.own.gradient(use.node), scene.own.slope(*after)));
      readings.push_back(scene.Compute(scene.quantity));
    }
  }
};

struct OtherActivationDerivative {
  static constexpr std::string_view kCode = "other_activation_derivative";
  static constexpr std::string_view kMessage =
      "This is the derivative of another activation function. Look at which one the network has "
      "here.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    for (const v1::Node& other : UsualActivations()) {
      for (const bool from_output : {false, true}) {
        AddWithSlope(
            scene,
            [&](ValueId a) {
              const GraphNode& node = scene.graph().node(a);
              if (!IsPlain(scene.graph(), a) || node.op->op_case == other.op_case()) {
                return scene.Compute({QuantityKind::kSlope, a});
              }
              const Tensor<T>& z = PreActivation(scene, a);
              const Tensor<T> slope =
                  SlopeOf(other, z, from_output ? scene.own.value(a) : ValueOf(other, z));
              return IsTrivial(slope) ? scene.Compute({QuantityKind::kSlope, a}) : slope;
            },
            readings);
      }
    }
  }
};

struct ReluMaskInverted {
  static constexpr std::string_view kCode = "relu_mask_inverted";
  static constexpr std::string_view kMessage =
      "The rectifier lets the gradient through where it should stop it, and the other way round. "
      "It "
      "passes where the pre-activation is positive.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    AddWithSlope(
        scene,
        [&](ValueId a) {
          const GraphNode& node = scene.graph().node(a);
          const bool is_rectifier =
              node.op->op_case == v1::Node::kRelu || node.op->op_case == v1::Node::kLeakyRelu;
          if (!is_rectifier) return scene.Compute({QuantityKind::kSlope, a});
          const Tensor<T> mirrored = Scaled(PreActivation(scene, a), -1);
          return SlopeOf(node.definition, mirrored, ValueOf(node.definition, mirrored));
        },
        readings);
  }
};

struct OtherActivation {
  static constexpr std::string_view kCode = "other_activation";
  static constexpr std::string_view kMessage =
      "Another activation function was applied, or none. Look at which one the network has here.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const ValueId id = scene.quantity.value;
    if (scene.quantity.kind != QuantityKind::kValue || !scene.graph().is_node(id)) return;
    const GraphNode& node = scene.graph().node(id);
    if (!node.op->is_activation()) return;
    const Tensor<T>& z = PreActivation(scene, id);
    readings.push_back(z);
    for (const v1::Node& other : UsualActivations()) readings.push_back(ValueOf(other, z));
  }
};

}  // namespace

std::span<const Hypothesis> ActivationHypotheses() {
  static constexpr Hypothesis kHypotheses[] = {HypothesisOf<MissingActivationDerivative>(),
                                               HypothesisOf<DerivativeAtActivation>(),
                                               HypothesisOf<ExtraActivationDerivative>(),
                                               HypothesisOf<OtherActivationDerivative>(),
                                               HypothesisOf<ReluMaskInverted>(),
                                               HypothesisOf<OtherActivation>()};
  return kHypotheses;
}

}  // namespace gradus
