#include "tests/grading/trials/mistakes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "server/ops/registry.h"

namespace gradus::testing {
namespace {

using Numbers = Tensor<double>;
using MaybeNumbers = std::optional<Numbers>;
using OpCase = v1::Node::OpCase;

template <class F>
Numbers Map(Numbers x, F f) {
  for (int64_t i = 0; i < x.size(); ++i) x[i] = f(x[i], i);
  return x;
}
Numbers Times(const Numbers& x, double factor) {
  return Map(x, [&](double e, int64_t) { return factor * e; });
}
Numbers Times(const Numbers& x, const Numbers& y) {
  return Map(x, [&](double e, int64_t i) { return e * y[i]; });
}
Numbers Minus(const Numbers& x, const Numbers& y) {
  return Map(x, [&](double e, int64_t i) { return e - y[i]; });
}

OpCase OpOf(const Spot& s, ValueId node) { return s.graph().node(node).op->op_case; }

bool IsGradient(const Spot& s) { return s.quantity.kind == QuantityKind::kGradient; }
bool IsValue(const Spot& s) {
  return s.quantity.kind == QuantityKind::kValue && s.graph().is_node(s.quantity.value);
}
bool IsNext(const Spot& s) { return s.quantity.kind == QuantityKind::kNext; }
bool IsValueOf(const Spot& s, OpCase op) { return IsValue(s) && OpOf(s, s.quantity.value) == op; }
bool IsParameter(const Spot& s) {
  return s.graph().value(s.quantity.value).kind == ValueKind::kParameter;
}
// 1 always: nobody calculates it.
bool IsGradientOfObjective(const Spot& s) {
  return IsGradient(s) && s.quantity.value == *s.graph().objective();
}

std::vector<Use> Uses(const Spot& s) {
  std::vector<Use> uses;
  for (const Use& use : s.graph().value(s.quantity.value).uses) {
    if (s.graph().carries_gradient(use)) uses.push_back(use);
  }
  return uses;
}
// The only node that reads a value, where the root is its gradient.
std::optional<Use> OnlyUse(const Spot& s) {
  const std::vector<Use> uses = Uses(s);
  if (!IsGradient(s) || uses.size() != 1) return std::nullopt;
  return uses.front();
}
// The activation behind a pre-activation whose gradient the root is.
std::optional<ValueId> ActivationAfter(const Spot& s) {
  const std::optional<Use> use = OnlyUse(s);
  if (!use.has_value() || !s.graph().goes_through_slope(*use)) return std::nullopt;
  return use->node;
}

Numbers ShareOf(const Spot& s, const Use& use, const Numbers& upstream,
                const std::vector<const Numbers*>& operands) {
  const GraphNode& node = s.graph().node(use.node);
  Numbers share(operands[static_cast<size_t>(use.position)]->shape());
  node.op->For<double>().vjp({{node.definition, operands}, s.world.value(use.node), upstream},
                             use.position, share);
  return share;
}
std::vector<const Numbers*> OperandsOf(const Spot& s, ValueId node) {
  const auto operands = s.world.operands(node);
  return {operands.begin(), operands.end()};
}
// What one reader adds to the gradient.
Numbers ShareOf(const Spot& s, const Use& use) {
  const Numbers& upstream = s.world.gradient(use.node);
  if (s.graph().goes_through_slope(use)) return Times(upstream, s.world.slope(use.node));
  return ShareOf(s, use, upstream, OperandsOf(s, use.node));
}

double Sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

double LearningRate(const Spot& s) {
  const v1::Optimizer& optimizer = s.problem.optimizer();
  return optimizer.has_sgd() ? optimizer.sgd().learning_rate() : optimizer.adam().learning_rate();
}
bool IsPlainSgd(const Spot& s) {
  const v1::Optimizer& optimizer = s.problem.optimizer();
  return optimizer.has_sgd() && optimizer.sgd().momentum() == 0 && !optimizer.has_weight_decay();
}
// The old parameter and so many times the step.
Numbers Stepped(const Spot& s, double times) {
  const Numbers& before = s.world.value(s.quantity.value);
  return Map(s.right,
             [&](double after, int64_t i) { return before[i] + times * (after - before[i]); });
}

MaybeNumbers SignFlip(const Spot& s) {
  if (IsNext(s) || IsGradientOfObjective(s)) return std::nullopt;
  return Times(s.right, -1);
}

MaybeNumbers Factor(const Spot& s) {
  if (!IsGradient(s) || IsGradientOfObjective(s)) return std::nullopt;
  return Times(s.right, s.random.Below(2) == 0 ? 2 : 0.5);
}

// The half of a squared error, where it is none or the other way round.
MaybeNumbers LossConstant(const Spot& s) {
  ValueId loss = s.quantity.value;
  if (const std::optional<Use> use = OnlyUse(s)) {
    loss = use->node;
  } else if (!IsValue(s)) {
    return std::nullopt;
  }
  if (OpOf(s, loss) == v1::Node::kHalfSquaredError) return Times(s.right, 2);
  if (OpOf(s, loss) == v1::Node::kSquaredError) return Times(s.right, 0.5);
  return std::nullopt;
}

// How many numbers a loss averages over; 1 where it adds them up.
double MeanCount(const Spot& s, ValueId loss) {
  const v1::Node& node = s.graph().node(loss).definition;
  v1::Reduction reduction = v1::REDUCTION_SUM;
  switch (node.op_case()) {
    case v1::Node::kHalfSquaredError:
      reduction = node.half_squared_error().reduction();
      break;
    case v1::Node::kSquaredError:
      reduction = node.squared_error().reduction();
      break;
    case v1::Node::kCrossEntropy:
      reduction = node.cross_entropy().reduction();
      break;
    case v1::Node::kCrossEntropyWithLogits:
      reduction = node.cross_entropy_with_logits().reduction();
      break;
    case v1::Node::kBinaryCrossEntropy:
      reduction = node.binary_cross_entropy().reduction();
      break;
    default:
      break;
  }
  const Shape& shape = s.graph().value(s.graph().node(loss).operands.front()).shape;
  if (reduction == v1::REDUCTION_MEAN) return static_cast<double>(shape.element_count());
  if (reduction == v1::REDUCTION_BATCH_MEAN) return static_cast<double>(shape[0]);
  return 1;
}

// Added up, or averaged twice.
MaybeNumbers MissingBatchMean(const Spot& s) {
  ValueId loss = s.quantity.value;
  if (const std::optional<Use> use = OnlyUse(s)) {
    loss = use->node;
  } else if (!IsValue(s)) {
    return std::nullopt;
  }
  const double count = MeanCount(s, loss);
  if (count == 1) return std::nullopt;
  return Times(s.right, s.random.Below(3) == 0 ? 1 / count : count);
}

Numbers Transposed(const Numbers& w) {
  Numbers t(w.shape());
  const int64_t n = w.shape()[0];
  for (int64_t i = 0; i < w.size(); ++i) t[i] = w[i % n * n + i / n];
  return t;
}
bool IsSquare(const Numbers& w) { return w.shape().rank() == 2 && w.shape()[0] == w.shape()[1]; }

MaybeNumbers TransposedWeights(const Spot& s) {
  ValueId node = s.quantity.value;
  const std::optional<Use> use = OnlyUse(s);
  if (use.has_value()) node = use->node;
  if ((!use.has_value() && !IsValue(s)) || OpOf(s, node) != v1::Node::kDense) return std::nullopt;
  std::vector<const Numbers*> operands = OperandsOf(s, node);
  if (!IsSquare(*operands[1])) return std::nullopt;
  if (use.has_value() && use->position == 1) return Transposed(s.right);
  const Numbers transposed = Transposed(*operands[1]);
  operands[1] = &transposed;
  if (use.has_value()) {
    if (use->position != 0) return std::nullopt;
    return ShareOf(s, *use, s.world.gradient(node), operands);
  }
  Numbers output(s.right.shape());
  s.graph().node(node).op->For<double>().forward({s.graph().node(node).definition, operands},
                                                 output);
  return output;
}

MaybeNumbers MissingBias(const Spot& s) {
  if (!IsValueOf(s, v1::Node::kDense)) return std::nullopt;
  const Numbers& b = *OperandsOf(s, s.quantity.value)[2];
  return Map(s.right, [&](double z, int64_t i) { return z - b[i % b.size()]; });
}

// The share of the first example, or of the first unit, for the sum over all.
MaybeNumbers MissingBiasSum(const Spot& s) {
  const std::optional<Use> use = OnlyUse(s);
  if (!use.has_value() || OpOf(s, use->node) != v1::Node::kDense || use->position != 2) {
    return std::nullopt;
  }
  const Numbers& upstream = s.world.gradient(use->node);
  if (upstream.size() <= s.right.size()) return std::nullopt;
  return Map(s.right, [&](double, int64_t i) { return upstream[i]; });
}

MaybeNumbers OtherActivation(const Spot& s) {
  if (!IsValue(s) || !s.graph().node(s.quantity.value).op->is_activation()) return std::nullopt;
  const Numbers& z = *OperandsOf(s, s.quantity.value)[0];
  if (OpOf(s, s.quantity.value) == v1::Node::kSigmoid) {
    return Map(z, [](double x, int64_t) { return std::tanh(x); });
  }
  return Map(z, [](double x, int64_t) { return Sigmoid(x); });
}

MaybeNumbers MissingActivationDerivative(const Spot& s) {
  const std::optional<ValueId> a = ActivationAfter(s);
  if (!a.has_value()) return std::nullopt;
  return s.world.gradient(*a);
}

// (p - t) p (1 - p) for p - t, which has a name of its own.
bool IsBeforeCrossEntropy(const Spot& s, ValueId activation) {
  for (const Use& use : s.graph().value(activation).uses) {
    if (OpOf(s, use.node) == v1::Node::kBinaryCrossEntropy) return true;
  }
  return false;
}

MaybeNumbers ExtraActivationDerivative(const Spot& s) {
  const std::optional<ValueId> a = ActivationAfter(s);
  if (!a.has_value() || IsBeforeCrossEntropy(s, *a)) return std::nullopt;
  return Times(s.right, s.world.slope(*a));
}
MaybeNumbers SigmoidDifferentiatedTwice(const Spot& s) {
  const std::optional<ValueId> a = ActivationAfter(s);
  if (!a.has_value() || !IsBeforeCrossEntropy(s, *a)) return std::nullopt;
  return Times(s.right, s.world.slope(*a));
}

// The slope's formula with z where a belongs.
MaybeNumbers DerivativeAtWrongPlace(const Spot& s) {
  if (s.quantity.kind != QuantityKind::kSlope) return std::nullopt;
  const Numbers& z = *OperandsOf(s, s.quantity.value)[0];
  if (OpOf(s, s.quantity.value) == v1::Node::kSigmoid) {
    return Map(z, [](double x, int64_t) { return x * (1 - x); });
  }
  if (OpOf(s, s.quantity.value) == v1::Node::kTanh) {
    return Map(z, [](double x, int64_t) { return 1 - x * x; });
  }
  return std::nullopt;
}
// The derivative at a where z belongs: the activation applied twice.
MaybeNumbers DerivativeAtActivation(const Spot& s) {
  if (s.quantity.kind != QuantityKind::kSlope) return std::nullopt;
  const Numbers& a = s.world.value(s.quantity.value);
  if (OpOf(s, s.quantity.value) == v1::Node::kSigmoid) {
    return Map(a, [](double x, int64_t) { return Sigmoid(x) * (1 - Sigmoid(x)); });
  }
  if (OpOf(s, s.quantity.value) == v1::Node::kTanh) {
    return Map(a, [](double x, int64_t) { return 1 - std::tanh(x) * std::tanh(x); });
  }
  return std::nullopt;
}

MaybeNumbers OtherActivationDerivative(const Spot& s) {
  if (s.quantity.kind != QuantityKind::kSlope) return std::nullopt;
  const Numbers& a = s.world.value(s.quantity.value);
  if (OpOf(s, s.quantity.value) == v1::Node::kSigmoid) {
    return Map(a, [](double x, int64_t) { return 1 - x * x; });
  }
  if (OpOf(s, s.quantity.value) == v1::Node::kTanh) {
    return Map(a, [](double x, int64_t) { return x * (1 - x); });
  }
  return std::nullopt;
}

MaybeNumbers ReluMaskInverted(const Spot& s) {
  const std::optional<ValueId> a = ActivationAfter(s);
  if (!a.has_value() || OpOf(s, *a) != v1::Node::kRelu) return std::nullopt;
  const Numbers& z = *OperandsOf(s, *a)[0];
  return Map(s.world.gradient(*a), [&](double g, int64_t i) { return z[i] > 0 ? 0 : g; });
}

MaybeNumbers SoftmaxAsSigmoid(const Spot& s) {
  if (!IsValueOf(s, v1::Node::kSoftmax)) return std::nullopt;
  return Map(*OperandsOf(s, s.quantity.value)[0], [](double z, int64_t) { return Sigmoid(z); });
}

MaybeNumbers SoftmaxJacobianElementwise(const Spot& s) {
  const std::optional<Use> use = OnlyUse(s);
  if (!use.has_value() || OpOf(s, use->node) != v1::Node::kSoftmax) return std::nullopt;
  const Numbers& p = s.world.value(use->node);
  return Map(s.world.gradient(use->node),
             [&](double u, int64_t i) { return u * p[i] * (1 - p[i]); });
}

// p - t, which is the gradient already, times the derivative once more.
MaybeNumbers SoftmaxDifferentiatedTwice(const Spot& s) {
  if (!IsGradient(s)) return std::nullopt;
  bool is_softmax = false;
  bool is_fused = false;
  for (const Use& use : Uses(s)) {
    if (use.position != 0) continue;
    is_softmax = is_softmax || OpOf(s, use.node) == v1::Node::kSoftmax;
    is_fused = is_fused || OpOf(s, use.node) == v1::Node::kCrossEntropyWithLogits;
  }
  if (!is_softmax && !is_fused) return std::nullopt;
  const Numbers& z = s.world.value(s.quantity.value);
  Numbers result(z.shape());
  const int64_t classes = z.shape().back();
  for (int64_t first = 0; first < z.size(); first += classes) {
    double sum = 0;
    for (int64_t c = first; c < first + classes; ++c) sum += std::exp(z[c]);
    double mixed = 0;
    for (int64_t c = first; c < first + classes; ++c) mixed += std::exp(z[c]) / sum * s.right[c];
    for (int64_t c = first; c < first + classes; ++c) {
      result[c] = std::exp(z[c]) / sum * (s.right[c] - mixed);
    }
  }
  return result;
}

bool IsPenalty(const Spot& s, ValueId node) { return OpOf(s, node) == v1::Node::kL2Penalty; }

MaybeNumbers MissingResidualPath(const Spot& s) {
  if (!IsGradient(s) || IsParameter(s)) return std::nullopt;
  const std::vector<Use> uses = Uses(s);
  if (uses.size() < 2) return std::nullopt;
  return ShareOf(s, uses.front());
}

MaybeNumbers SharedParameterLastUseOnly(const Spot& s) {
  if (!IsGradient(s) || !IsParameter(s)) return std::nullopt;
  const std::vector<Use> uses = Uses(s);
  if (uses.size() < 2 || IsPenalty(s, uses.front().node) || IsPenalty(s, uses.back().node)) {
    return std::nullopt;
  }
  return ShareOf(s, uses.back());
}

// The terms of mean and variance left out: only gamma and the deviation stay.
MaybeNumbers MissingNormalizationTerms(const Spot& s) {
  const std::optional<Use> use = OnlyUse(s);
  if (!use.has_value() || use->position != 0) return std::nullopt;
  const bool is_layer = OpOf(s, use->node) == v1::Node::kLayerNorm;
  if (!is_layer && OpOf(s, use->node) != v1::Node::kBatchNorm) return std::nullopt;
  const std::vector<const Numbers*> operands = OperandsOf(s, use->node);
  const Numbers& x = *operands[0];
  const int64_t width = x.shape()[1];
  const int64_t rows = x.shape()[0];
  return Map(s.world.gradient(use->node), [&](double u, int64_t at) {
    const int64_t first = is_layer ? at / width * width : at % width;
    const int64_t step = is_layer ? 1 : width;
    const int64_t count = is_layer ? width : rows;
    double mean = 0;
    for (int64_t i = 0; i < count; ++i) mean += x[first + i * step] / static_cast<double>(count);
    double variance = 0;
    for (int64_t i = 0; i < count; ++i) {
      variance += std::pow(x[first + i * step] - mean, 2) / static_cast<double>(count);
    }
    return u * (*operands[1])[at % width] / std::sqrt(variance + 1e-5);
  });
}

// The weights, or the gradient, of another place.
MaybeNumbers LayerIndexOffByOne(const Spot& s) {
  const Graph& graph = s.graph();
  const std::optional<Use> use = OnlyUse(s);
  ValueId node = s.quantity.value;
  if (use.has_value()) node = use->node;
  if ((!use.has_value() && !IsValue(s)) || OpOf(s, node) != v1::Node::kDense) return std::nullopt;
  const ValueId weight = graph.node(node).operands[1];
  if (use.has_value() && use->position == 0) {
    for (int i = 0; i < graph.parameter_count(); ++i) {
      const ValueId other = graph.parameter(i);
      if (other == weight || graph.value(other).shape != graph.value(weight).shape) continue;
      std::vector<const Numbers*> operands = OperandsOf(s, node);
      operands[1] = &s.world.value(other);
      return ShareOf(s, *use, s.world.gradient(node), operands);
    }
  }
  if (use.has_value() && use->position == 1) {
    // The activation after the node in the place of the one before it.
    for (const Use& after : graph.value(node).uses) {
      std::vector<const Numbers*> operands = OperandsOf(s, node);
      if (graph.value(after.node).shape != operands[0]->shape()) continue;
      operands[0] = &s.world.value(after.node);
      return ShareOf(s, *use, s.world.gradient(node), operands);
    }
  }
  return std::nullopt;
}

MaybeNumbers WithPenalty(const Spot& s, double extra) {
  if (IsValueOf(s, v1::Node::kAdd)) {
    for (const ValueId operand : s.graph().node(s.quantity.value).operands) {
      if (!s.graph().is_node(operand) || !IsPenalty(s, operand)) continue;
      return Map(s.right,
                 [&](double all, int64_t) { return all + extra * s.world.value(operand)[0]; });
    }
  }
  if (IsGradient(s)) {
    for (const Use& use : Uses(s)) {
      if (!IsPenalty(s, use.node)) continue;
      const Numbers share = ShareOf(s, use);
      return Map(s.right, [&](double all, int64_t i) { return all + extra * share[i]; });
    }
  }
  if (IsNext(s) && s.problem.optimizer().has_weight_decay()) {
    const double decay = s.problem.optimizer().weight_decay().coefficient();
    const Numbers& before = s.world.value(s.quantity.value);
    return Map(s.right, [&](double after, int64_t i) {
      return after - extra * LearningRate(s) * decay * before[i];
    });
  }
  return std::nullopt;
}
MaybeNumbers MissingRegularization(const Spot& s) { return WithPenalty(s, -1); }
MaybeNumbers DoubledRegularization(const Spot& s) { return WithPenalty(s, 1); }

MaybeNumbers UpdateBeforeBackprop(const Spot& s) {
  const std::optional<Use> use = OnlyUse(s);
  if (!use.has_value() || use->position != 0 || !IsPlainSgd(s)) return std::nullopt;
  if (OpOf(s, use->node) != v1::Node::kDense) return std::nullopt;
  const ValueId weight = s.graph().node(use->node).operands[1];
  const Numbers& gradient = s.world.gradient(weight);
  if (s.graph().value(weight).uses.size() != 1 || gradient.size() == 0) return std::nullopt;
  const Numbers updated = Minus(s.world.value(weight), Times(gradient, LearningRate(s)));
  std::vector<const Numbers*> operands = OperandsOf(s, use->node);
  operands[1] = &updated;
  return ShareOf(s, *use, s.world.gradient(use->node), operands);
}

MaybeNumbers GradientAscent(const Spot& s) {
  if (!IsNext(s)) return std::nullopt;
  return Stepped(s, -1);
}
MaybeNumbers LearningRateTwice(const Spot& s) {
  if (!IsNext(s) || !IsPlainSgd(s)) return std::nullopt;
  return Stepped(s, LearningRate(s));
}
MaybeNumbers LearningRateMissing(const Spot& s) {
  if (!IsNext(s) || !IsPlainSgd(s)) return std::nullopt;
  return Stepped(s, 1 / LearningRate(s));
}
MaybeNumbers NoUpdate(const Spot& s) {
  if (!IsNext(s)) return std::nullopt;
  return Stepped(s, 0);
}
MaybeNumbers MomentumForgotten(const Spot& s) {
  const v1::Optimizer& optimizer = s.problem.optimizer();
  if (!IsNext(s) || !optimizer.has_sgd() || optimizer.sgd().momentum() == 0) return std::nullopt;
  return Minus(s.world.value(s.quantity.value),
               Times(s.world.gradient(s.quantity.value), LearningRate(s)));
}
MaybeNumbers BiasCorrectionForgotten(const Spot& s) {
  if (!IsNext(s) || !s.problem.optimizer().has_adam()) return std::nullopt;
  const v1::Adam& adam = s.problem.optimizer().adam();
  const Numbers& m = s.world.state(s.quantity.value, 0);
  const Numbers& v = s.world.state(s.quantity.value, 1);
  return Map(s.world.value(s.quantity.value), [&](double before, int64_t i) {
    return before - LearningRate(s) * m[i] / (std::sqrt(v[i]) + adam.adam_epsilon());
  });
}

MaybeNumbers EntriesSwapped(const Spot& s) {
  if (s.right.size() < 2) return std::nullopt;
  Numbers swapped = s.right;
  const int64_t i = s.random.Below(s.right.size() - 1);
  std::swap(swapped[i], swapped[i + 1]);
  return swapped;
}

MaybeNumbers DecimalPoint(const Spot& s) {
  if (IsGradientOfObjective(s)) return std::nullopt;
  Numbers moved = s.right;
  const int64_t i = s.random.Below(s.right.size());
  moved[i] *= s.random.Below(2) == 0 ? 10 : 0.1;
  return moved;
}

MaybeNumbers TransposedDigits(const Spot& s) {
  if (IsGradientOfObjective(s)) return std::nullopt;
  Numbers exchanged = s.right;
  const int64_t i = s.random.Below(s.right.size());
  std::string digits = fmt::format("{:.{}f}", std::abs(s.right[i]), kRequiredDecimals);
  const size_t at = digits.size() - 2;
  if (digits[at - 1] == '.' || digits[at - 1] == digits[at]) return std::nullopt;
  std::swap(digits[at - 1], digits[at]);
  exchanged[i] = std::copysign(std::stod(digits), s.right[i]);
  return exchanged;
}

// One number calculated wrongly: nothing that has a name.
MaybeNumbers ArithmeticSlip(const Spot& s) {
  if (IsGradientOfObjective(s)) return std::nullopt;
  Numbers wrong = s.right;
  const int64_t i = s.random.Below(s.right.size());
  wrong[i] *= 1 + s.random.UniformMagnitude(0.13, 0.43);
  return wrong;
}

// Whether anything is calculated from a quantity.
bool IsRead(const Spot& s) {
  const Value& value = s.graph().value(s.quantity.value);
  switch (s.quantity.kind) {
    case QuantityKind::kSlope:
      return true;
    case QuantityKind::kGradient:
      return value.kind != ValueKind::kInput;
    case QuantityKind::kValue:
      return std::any_of(value.uses.begin(), value.uses.end(),
                         [&](const Use& use) { return s.graph().carries_gradient(use); });
    default:
      return false;
  }
}

// Copied wrongly, where the rest of the work shows it.
MaybeNumbers TranscriptionSlip(const Spot& s) {
  if (!IsRead(s)) return std::nullopt;
  return ArithmeticSlip(s);
}

constexpr std::array kMistakes = {
    PlantedMistake{"sign_flip", &SignFlip},
    PlantedMistake{"factor", &Factor},
    PlantedMistake{"loss_constant", &LossConstant},
    PlantedMistake{"missing_batch_mean", &MissingBatchMean},
    PlantedMistake{"transposed_weights", &TransposedWeights},
    PlantedMistake{"missing_bias", &MissingBias},
    PlantedMistake{"missing_bias_sum", &MissingBiasSum},
    PlantedMistake{"other_activation", &OtherActivation},
    PlantedMistake{"missing_activation_derivative", &MissingActivationDerivative},
    PlantedMistake{"extra_activation_derivative", &ExtraActivationDerivative},
    PlantedMistake{"derivative_at_activation", &DerivativeAtActivation},
    PlantedMistake{"derivative_at_activation", &DerivativeAtWrongPlace},
    PlantedMistake{"other_activation_derivative", &OtherActivationDerivative},
    PlantedMistake{"relu_mask_inverted", &ReluMaskInverted},
    PlantedMistake{"softmax_as_sigmoid", &SoftmaxAsSigmoid},
    PlantedMistake{"softmax_jacobian_elementwise", &SoftmaxJacobianElementwise},
    PlantedMistake{"softmax_differentiated_twice", &SoftmaxDifferentiatedTwice},
    PlantedMistake{"softmax_differentiated_twice", &SigmoidDifferentiatedTwice},
    PlantedMistake{"missing_residual_path", &MissingResidualPath},
    PlantedMistake{"missing_normalization_terms", &MissingNormalizationTerms},
    PlantedMistake{"shared_parameter_last_use_only", &SharedParameterLastUseOnly},
    PlantedMistake{"layer_index_off_by_one", &LayerIndexOffByOne},
    PlantedMistake{"missing_regularization", &MissingRegularization},
    PlantedMistake{"doubled_regularization", &DoubledRegularization},
    PlantedMistake{"update_before_backprop", &UpdateBeforeBackprop},
    PlantedMistake{"gradient_ascent", &GradientAscent},
    PlantedMistake{"learning_rate_twice", &LearningRateTwice},
    PlantedMistake{"learning_rate_missing", &LearningRateMissing},
    PlantedMistake{"no_update", &NoUpdate},
    PlantedMistake{"momentum_forgotten", &MomentumForgotten},
    PlantedMistake{"bias_correction_forgotten", &BiasCorrectionForgotten},
    PlantedMistake{"entries_swapped", &EntriesSwapped},
    PlantedMistake{"decimal_point", &DecimalPoint},
    PlantedMistake{"transposed_digits", &TransposedDigits, false, true},
    PlantedMistake{"arithmetic_slip", &ArithmeticSlip},
    PlantedMistake{"transcription_slip", &TranscriptionSlip, true},
};

}  // namespace

std::span<const PlantedMistake> PlantedMistakes() { return kMistakes; }

}  // namespace gradus::testing
