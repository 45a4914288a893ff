#include "server/grading/wrong_answers.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "server/grading/hypotheses/hypothesis.h"
#include "server/kernels/interruption.h"

namespace gradus {
namespace {

Tensor<double> Constant(const Shape& shape, double x) {
  Tensor<double> tensor(shape);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor[i] = x;
  return tensor;
}

Tensor<double> Times(const Tensor<double>& tensor, double factor) {
  Tensor<double> product = tensor;
  for (int64_t i = 0; i < product.size(); ++i) product[i] *= factor;
  return product;
}

// The key of the next item of the same shape, from the first again after the last, that differs
// visibly.
std::optional<Tensor<double>> OtherKey(const CompiledAssignment& assignment, size_t i) {
  const std::span<const CompiledItem> items = assignment.items();
  const CompiledItem& item = items[i];
  for (size_t step = 1; step < items.size(); ++step) {
    const Tensor<double>& other = items[(i + step) % items.size()].key;
    if (other.shape() != item.key.shape()) continue;
    for (int64_t e = 0; e < other.size(); ++e) {
      if (std::abs(other[e] - item.key[e]) > item.required_unit) return other;
    }
  }
  return std::nullopt;
}

std::optional<Tensor<double>> UnchangedParameter(const CompiledAssignment& assignment, size_t i) {
  const CompiledItem& item = assignment.items()[i];
  if (!item.target.has_value() || item.target->quantity.kind != QuantityKind::kNext) {
    return std::nullopt;
  }
  const CompiledProblem& problem = *assignment.problems()[item.problem].problem;
  return AskedOf(item, problem.truth(item.target->update).value(item.target->quantity.value));
}

constexpr WrongPaper kWrongPapers[] = {
    {"zeros", "zeros", true, true,
     [](const CompiledAssignment& a, size_t i) -> std::optional<Tensor<double>> {
       return Constant(a.items()[i].key.shape(), 0);
     }},
    {"ones", "ones", true, false,
     [](const CompiledAssignment& a, size_t i) -> std::optional<Tensor<double>> {
       return Constant(a.items()[i].key.shape(), 1);
     }},
    {"negated_key", "the key with the wrong sign", false, false,
     [](const CompiledAssignment& a, size_t i) -> std::optional<Tensor<double>> {
       return Times(a.items()[i].key, -1);
     }},
    {"scaled_key", "twice the key", false, false,
     [](const CompiledAssignment& a, size_t i) -> std::optional<Tensor<double>> {
       return Times(a.items()[i].key, 2);
     }},
    {"other_key", "the key of another item", false, false, &OtherKey},
    {"unchanged_parameters", "the parameters before the step", true, true, &UnchangedParameter},
};

}  // namespace

std::span<const WrongPaper> WrongPapers() { return kWrongPapers; }

Tensor<double> AskedOf(const CompiledItem& item, const Tensor<double>& quantity) {
  if (!item.target->element.has_value()) return quantity;
  return {Shape(), {quantity[*item.target->element]}};
}

void ForEachKnownMistake(
    const CompiledProblem& problem, const Quantity& q, int update, World<double>& truth,
    const std::function<void(std::string_view code, const Tensor<double>& numbers)>& see) {
  const Tensor<double>& key = problem.TruthOf({q, update, std::nullopt});
  const std::vector<std::optional<double>> written(key.values().begin(), key.values().end());
  const Scene<double> scene = {problem, q, update, truth, key, written, /*wrong=*/{}};
  for (const Hypothesis& mistake : Hypotheses()) {
    if (Interrupted(1)) return;
    Readings<double> readings;
    mistake.add_numbers(scene, readings);
    for (const Tensor<double>& reading : readings) see(mistake.code, reading);
  }
}

}  // namespace gradus
