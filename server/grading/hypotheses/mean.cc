#include <set>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/parts.h"

namespace gradus {
namespace {

// A node that adds up terms, and divides by a number of them where it takes a mean.
struct Total {
  double divisor;   // 1: it is a sum
  double examples;  // on axis 0 of what it reads; 1 where that is a single example
  double terms;     // that it adds up

  // What students divide by instead: by nothing, by another count, by the right one less one, and
  // twice.
  std::set<double> OtherDivisors() const {
    std::set<double> others = {1, examples, terms};
    if (divisor > 1) others.insert({divisor - 1, divisor * divisor, divisor * examples});
    others.erase(divisor);
    return others;
  }
};

// The attributes of a node, and which of them says how the terms of a loss become its output; null
// where the node is no loss.
const google::protobuf::FieldDescriptor* AttributesField(const v1::Node& node) {
  return v1::Node::descriptor()->FindFieldByNumber(node.op_case());
}
const google::protobuf::FieldDescriptor* ReductionField(const v1::Node& node) {
  return AttributesField(node)->message_type()->FindFieldByName("reduction");
}

v1::Reduction ReductionOf(const v1::Node& loss) {
  const google::protobuf::Message& attributes =
      v1::Node::GetReflection()->GetMessage(loss, AttributesField(loss));
  return static_cast<v1::Reduction>(
      attributes.GetReflection()->GetEnumValue(attributes, ReductionField(loss)));
}

// How many terms a loss adds up: the numbers that it would give without a reduction.
double TermCount(const Graph& graph, const GraphNode& loss) {
  v1::Node unreduced = loss.definition;
  google::protobuf::Message* attributes =
      v1::Node::GetReflection()->MutableMessage(&unreduced, AttributesField(unreduced));
  attributes->GetReflection()->SetEnumValue(attributes, ReductionField(unreduced),
                                            v1::REDUCTION_NONE);
  std::vector<Shape> shapes;
  for (const ValueId operand : loss.operands) shapes.push_back(graph.value(operand).shape);
  return static_cast<double>(loss.op->infer_shape({unreduced, shapes})->element_count());
}

// What a mean, a loss that is one, or a sum that may be taken for one adds up.
std::optional<Total> TotalAt(const Graph& graph, ValueId id) {
  if (!graph.is_node(id) || graph.node(id).operands.empty()) return std::nullopt;
  const GraphNode& node = graph.node(id);
  const Shape& operand = graph.value(node.operands.front()).shape;
  const double elements = static_cast<double>(operand.element_count());
  const double outputs = static_cast<double>(graph.value(id).shape.element_count());
  const double examples = operand.rank() > 1 ? static_cast<double>(operand[0]) : 1;
  if (node.op->op_case == v1::Node::kMean) {
    const double count = elements / outputs;
    return Total{count, outputs == 1 ? examples : count, count};
  }
  if (node.op->op_case == v1::Node::kSum && outputs == 1) {
    return Total{1, examples, elements};
  }
  if (ReductionField(node.definition) == nullptr) return std::nullopt;
  const v1::Reduction reduction = ReductionOf(node.definition);
  if (reduction == v1::REDUCTION_NONE) return std::nullopt;
  Total total = {1, examples, TermCount(graph, node)};
  if (reduction == v1::REDUCTION_MEAN) total.divisor = total.terms;
  if (reduction == v1::REDUCTION_BATCH_MEAN) total.divisor = examples;
  return total;
}

// How many examples a parameter meets where it is used: 1 unless that is a batch.
double BatchAt(const Graph& graph, const Use& use) {
  const Shape& output = graph.value(use.node).shape;
  const GraphNode& node = graph.node(use.node);
  const Shape& parameter = graph.value(node.operands[static_cast<size_t>(use.position)]).shape;
  if (output.rank() < 2) return 1;
  switch (node.op->op_case) {
    case v1::Node::kDense:
      return static_cast<double>(output[0]);
    case v1::Node::kMatMul:
      return static_cast<double>(use.position == 0 ? output.back() : output[0]);
    case v1::Node::kAdd:
      return parameter.element_count() < output.element_count() ? static_cast<double>(output[0])
                                                                : 1;
    default:
      return 1;
  }
}

struct MissingBatchMean {
  static constexpr std::string_view kCode = "missing_batch_mean";
  static constexpr std::string_view kMessage =
      "A sum stands where the mean belongs, or the other way round. Look at whether the loss "
      "divides "
      "by the number of examples, and whether that was done exactly once.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    const ValueId id = scene.quantity.value;
    if (scene.quantity.kind == QuantityKind::kValue) {
      if (const std::optional<Total> total = TotalAt(graph, id)) {
        for (const double other : total->OtherDivisors()) {
          readings.push_back(Scaled(scene.right, total->divisor / other));
        }
      }
    }
    if (scene.quantity.kind != QuantityKind::kGradient) return;
    for (const Use& use : GradientUses(graph, id)) {
      if (const std::optional<Total> total = TotalBehind(graph, use.node)) {
        for (const double other : total->OtherDivisors()) {
          AddWithUpstream(scene, use.node, total->divisor / other, readings);
        }
      }
      const double batch = BatchAt(graph, use);
      if (graph.value(id).kind != ValueKind::kParameter || batch == 1) continue;
      for (const double factor : FactorsOfBatch(graph, batch)) {
        AddWithUpstream(scene, use.node, factor, readings);
      }
    }
  }

 private:
  // Where the gradient begins: at the node itself, or at the loss that reads nothing but it, as
  // p - t is the first that many write.
  static std::optional<Total> TotalBehind(const Graph& graph, ValueId node) {
    const v1::Node::OpCase op = graph.node(node).op->op_case;
    const bool is_on_the_way = graph.node(node).op->is_activation() || op == v1::Node::kSoftmax ||
                               op == v1::Node::kLogSoftmax;
    if (!is_on_the_way) return TotalAt(graph, node);
    const std::vector<Use> uses = GradientUses(graph, node);
    return uses.size() == 1 ? TotalAt(graph, uses.front().node) : std::nullopt;
  }

  // Averaged where the sum over the batch belongs; and, where the objective is a mean over that
  // batch, not averaged at all.
  static std::set<double> FactorsOfBatch(const Graph& graph, double batch) {
    std::set<double> factors = {1 / batch};
    for (const Quantity& q : graph.value_order()) {
      if (!graph.value(q.value).reaches_objective) continue;
      const std::optional<Total> total = TotalAt(graph, q.value);
      if (total.has_value() && total->divisor > 1 &&
          (total->examples == batch || total->terms == batch)) {
        factors.insert({batch, total->divisor});
      }
    }
    return factors;
  }

  // The root as it is with the upstream gradient of a node that reads it `factor` times as large.
  template <class T>
  static void AddWithUpstream(const Scene<T>& scene, ValueId node, double factor,
                              Readings<T>& readings) {
    const Override<T> scaled(scene.own, {QuantityKind::kGradient, node},
                             Scaled(scene.own.gradient(node), factor));
    readings.push_back(scene.Compute(scene.quantity));
  }
};

}  // namespace

std::span<const Hypothesis> MeanHypotheses() {
  static constexpr Hypothesis kHypotheses[] = {HypothesisOf<MissingBatchMean>()};
  return kHypotheses;
}

}  // namespace gradus
