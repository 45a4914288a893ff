#include <algorithm>
#include <utility>
#include <vector>

#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/parts.h"

namespace gradus {
namespace {

// Single rows and units that may stand for the sum over all, at most.
constexpr int64_t kMostParts = 8;

bool IsBias(const Graph& graph, const Use& use) {
  const v1::Node::OpCase op = graph.node(use.node).op->op_case;
  return (op == v1::Node::kDense && use.position == 2) || op == v1::Node::kAdd;
}

struct MissingBias {
  static constexpr std::string_view kCode = "missing_bias";
  static constexpr std::string_view kMessage =
      "The bias is missing. It is added to the sum of the weighted inputs.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const ValueId id = scene.quantity.value;
    if (scene.quantity.kind != QuantityKind::kValue || !scene.graph().is_node(id)) return;
    const GraphNode& node = scene.graph().node(id);
    if (node.op->op_case != v1::Node::kDense || node.operands.size() < 3) return;
    Tensor<T> output(scene.right.shape());
    node.op->template For<T>().forward({node.definition, scene.own.operands(id).first(2)}, output);
    readings.push_back(std::move(output));
  }
};

// A sum over examples or units that was not made: one part stands for it, or the mean over the
// units that share a bias. The mean over the examples has a name of its own, missing_batch_mean.
struct MissingBiasSum {
  static constexpr std::string_view kCode = "missing_bias_sum";
  static constexpr std::string_view kMessage =
      "The gradient of the bias is not summed over everything that the bias was added to: all "
      "examples, and all units that share it.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    if (scene.quantity.kind != QuantityKind::kGradient) return;
    const std::vector<Use> uses = GradientUses(graph, scene.quantity.value);
    for (size_t u = 0; u < uses.size(); ++u) {
      if (!IsBias(graph, uses[u])) continue;
      // What other uses add is right.
      Tensor<T> others(scene.right.shape());
      for (size_t other = 0; other < uses.size(); ++other) {
        if (other != u) others = Sum(others, Contribution(scene, uses[other]));
      }
      const Tensor<T>& upstream = scene.own.gradient(uses[u].node);
      for (const Tensor<T>& part : PartsOf(upstream, Contribution(scene, uses[u]))) {
        readings.push_back(Sum(others, part));
      }
    }
  }

 private:
  // What may stand for `sum`, the sum of an upstream gradient over what a bias was added to.
  template <class T>
  static Readings<T> PartsOf(const Tensor<T>& upstream, const Tensor<T>& sum) {
    Readings<T> found;
    const int64_t count = sum.size();
    if (count == 0 || upstream.size() <= count) return found;
    const int64_t parts = upstream.size() / count;
    for (int64_t part = 0; part < std::min(parts, kMostParts); ++part) {
      Tensor<T>& reading = found.emplace_back(sum.shape());
      for (int64_t i = 0; i < count; ++i) reading[i] = upstream[part * count + i];
    }
    const int64_t units = upstream.shape().back();
    if (count != 1 || units == 1) return found;
    found.push_back(Scaled(sum, 1 / static_cast<double>(units)));
    found.push_back(Scaled(sum, 1 / static_cast<double>(parts)));
    const int64_t rows = upstream.size() / units;
    if (rows == 1) return found;
    // Summed over the examples only, for each of the units that share it; and over the units only,
    // for each example.
    for (int64_t unit = 0; unit < std::min(units, kMostParts); ++unit) {
      Tensor<T>& reading = found.emplace_back(sum.shape());
      for (int64_t row = 0; row < rows; ++row) reading[0] += upstream[row * units + unit];
    }
    for (int64_t row = 0; row < std::min(rows, kMostParts); ++row) {
      Tensor<T>& reading = found.emplace_back(sum.shape());
      for (int64_t unit = 0; unit < units; ++unit) reading[0] += upstream[row * units + unit];
    }
    return found;
  }
};

}  // namespace

std::span<const Hypothesis> SumHypotheses() {
  static constexpr Hypothesis kHypotheses[] = {HypothesisOf<MissingBias>(),
                                               HypothesisOf<MissingBiasSum>()};
  return kHypotheses;
}

}  // namespace gradus
