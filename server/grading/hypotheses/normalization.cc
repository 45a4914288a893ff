#include <cmath>
#include <utility>

#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/parts.h"

namespace gradus {
namespace {

// A normalisation whose groups are the last axis of each example, or the examples of each channel
// of a batch, as students work them out by hand.
template <class T>
class Normalized {
 public:
  static bool Is(const GraphNode& node, const Shape& shape) {
    if (shape.rank() != 2) return false;
    if (node.op->op_case == v1::Node::kLayerNorm) {
      return !node.definition.layer_norm().has_axis_count() ||
             node.definition.layer_norm().axis_count() == 1;
    }
    return node.op->op_case == v1::Node::kBatchNorm &&
           (!node.definition.batch_norm().has_channel_axis() ||
            node.definition.batch_norm().channel_axis() == 1);
  }

  Normalized(const GraphNode& node, std::span<const Tensor<T>* const> operands)
      : x_(*operands[0]),
        is_layer_(node.op->op_case == v1::Node::kLayerNorm),
        gamma_(operands.size() > 1 ? operands[1] : nullptr),
        beta_(operands.size() > 2 ? operands[2] : nullptr) {
    constexpr double kDefault = 1e-5;
    if (is_layer_) {
      const v1::LayerNorm& layer = node.definition.layer_norm();
      offset_ = layer.has_variance_epsilon() ? layer.variance_epsilon() : kDefault;
    } else {
      const v1::BatchNorm& batch = node.definition.batch_norm();
      offset_ = batch.has_variance_epsilon() ? batch.variance_epsilon() : kDefault;
    }
  }

  int64_t groups() const { return is_layer_ ? x_.shape()[0] : x_.shape()[1]; }
  int64_t length() const { return is_layer_ ? x_.shape()[1] : x_.shape()[0]; }
  // Row-major position of an element of a group.
  int64_t At(int64_t group, int64_t i) const {
    return is_layer_ ? group * x_.shape()[1] + i : i * x_.shape()[1] + group;
  }
  T Gamma(int64_t at) const { return gamma_ == nullptr ? T(1) : (*gamma_)[at % x_.shape()[1]]; }
  T Beta(int64_t at) const { return beta_ == nullptr ? T(0) : (*beta_)[at % x_.shape()[1]]; }

  // Mean of a group of numbers.
  template <class F>
  T Mean(int64_t group, F number_at) const {
    T sum = T(0);
    for (int64_t i = 0; i < length(); ++i) sum += number_at(At(group, i));
    return sum / T(static_cast<double>(length()));
  }
  T MeanOf(int64_t group) const {
    return Mean(group, [&](int64_t at) { return x_[at]; });
  }
  T Deviation(int64_t group) const {
    using std::sqrt;
    const T mean = MeanOf(group);
    return sqrt(Mean(group, [&](int64_t at) { return Square(x_[at] - mean); }) + T(offset_));
  }

 private:
  const Tensor<T>& x_;
  bool is_layer_;
  const Tensor<T>* gamma_;
  const Tensor<T>* beta_;
  double offset_;
};

struct MissingNormalizationTerms {
  static constexpr std::string_view kCode = "missing_normalization_terms";
  static constexpr std::string_view kMessage =
      "A part of the normalisation is missing. Its mean and its variance depend on every number of "
      "the "
      "group, so both add a term to the derivative.";

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    const Graph& graph = scene.graph();
    const ValueId id = scene.quantity.value;
    if (scene.quantity.kind == QuantityKind::kValue && graph.is_node(id)) {
      const GraphNode& node = graph.node(id);
      if (Normalized<T>::Is(node, scene.right.shape())) AddValues(scene, id, readings);
    }
    if (scene.quantity.kind != QuantityKind::kGradient) return;
    for (const Use& use : GradientUses(graph, id)) {
      if (use.position == 0 && Normalized<T>::Is(graph.node(use.node), scene.right.shape())) {
        AddGradients(scene, use.node, readings);
      }
    }
  }

 private:
  template <class T>
  static void AddValues(const Scene<T>& scene, ValueId id, Readings<T>& readings) {
    const Normalized<T> norm(scene.graph().node(id), scene.own.operands(id));
    const Tensor<T>& x = *scene.own.operands(id)[0];
    Tensor<T> centered_only(x.shape());
    Tensor<T> scaled_only(x.shape());
    Tensor<T> plain(x.shape());
    for (int64_t group = 0; group < norm.groups(); ++group) {
      const T mean = norm.MeanOf(group);
      const T deviation = norm.Deviation(group);
      for (int64_t i = 0; i < norm.length(); ++i) {
        const int64_t at = norm.At(group, i);
        centered_only[at] = norm.Gamma(at) * (x[at] - mean) + norm.Beta(at);
        scaled_only[at] = norm.Gamma(at) * x[at] / deviation + norm.Beta(at);
        plain[at] = (x[at] - mean) / deviation;
      }
    }
    readings.push_back(std::move(centered_only));
    readings.push_back(std::move(scaled_only));
    readings.push_back(std::move(plain));
  }

  // (g - mean(g) - n mean(g n)) / deviation, with g = u gamma and n the normalised numbers, without
  // one of the terms, or without both.
  template <class T>
  static void AddGradients(const Scene<T>& scene, ValueId node, Readings<T>& readings) {
    const Normalized<T> norm(scene.graph().node(node), scene.own.operands(node));
    const Tensor<T>& x = *scene.own.operands(node)[0];
    const Tensor<T>& u = scene.own.gradient(node);
    Tensor<T> neither(x.shape());
    Tensor<T> mean_only(x.shape());
    Tensor<T> variance_only(x.shape());
    for (int64_t group = 0; group < norm.groups(); ++group) {
      const T mean = norm.MeanOf(group);
      const T deviation = norm.Deviation(group);
      const auto g = [&](int64_t at) { return u[at] * norm.Gamma(at); };
      const auto n = [&](int64_t at) { return (x[at] - mean) / deviation; };
      const T mean_g = norm.Mean(group, g);
      const T mean_gn = norm.Mean(group, [&](int64_t at) { return g(at) * n(at); });
      for (int64_t i = 0; i < norm.length(); ++i) {
        const int64_t at = norm.At(group, i);
        neither[at] = g(at) / deviation;
        mean_only[at] = (g(at) - mean_g) / deviation;
        variance_only[at] = (g(at) - n(at) * mean_gn) / deviation;
      }
    }
    readings.push_back(std::move(neither));
    readings.push_back(std::move(mean_only));
    readings.push_back(std::move(variance_only));
  }
};

}  // namespace

std::span<const Hypothesis> NormalizationHypotheses() {
  static constexpr Hypothesis kHypotheses[] = {HypothesisOf<MissingNormalizationTerms>()};
  return kHypotheses;
}

}  // namespace gradus
