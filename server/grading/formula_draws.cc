#include "server/grading/formula_draws.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "gradus/v1/problem.pb.h"
#include "server/engine/execute.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

constexpr size_t kSignedDraws = 10;
constexpr int kNeededDraws = 5;
constexpr double kMaxKeptBytes = 16.0 * 1024 * 1024;
// How far a row may be from 1 that is to sum to it: it may have been written in decimals.
constexpr double kSumTolerance = 1e-6;

constexpr double kRelative = 1e-9;
// What the numbers that a formula names may be off by, relative to each: they are computed.
constexpr double kRounding = 1e-13;
// What cancelling may leave, relative to the largest number named. Without it a formula could make
// itself equal to anything small by changing fast.
constexpr double kMaxCancelled = 1e-12;

// Numbers that are the same everywhere: the distributions of <random> are the library's choice.
class Source {
 public:
  // `sign` is that of all numbers, or 0 for both.
  Source(uint64_t seed, bool positive) : engine_(seed), positive_(positive) {}

  double Magnitude() { return 0.1 + 0.9 * static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double Number() {
    const double magnitude = Magnitude();
    const bool negative = (engine_() >> 63) != 0;
    return negative && !positive_ ? -magnitude : magnitude;
  }

 private:
  std::mt19937_64 engine_;
  bool positive_;
};

// The plan has been made, so the shape is sound.
Shape ShapeOf(const v1::Tensor& tensor) {
  return *ReadShape(tensor, std::numeric_limits<int64_t>::max());
}

bool HasRowsOfSumOne(const v1::Tensor& tensor, const Shape& shape) {
  if (shape.rank() == 0 || shape.back() == 1) return false;
  const absl::StatusOr<Tensor<double>> numbers = ReadValues<double>(tensor, shape);
  if (!numbers.ok()) return false;
  for (int64_t begin = 0; begin < numbers->size(); begin += shape.back()) {
    double sum = 0;
    for (int64_t i = begin; i < begin + shape.back(); ++i) {
      if ((*numbers)[i] < 0) return false;
      sum += (*numbers)[i];
    }
    if (std::abs(sum - 1) > kSumTolerance) return false;
  }
  return true;
}

void DrawInput(Source& source, v1::Tensor& tensor) {
  const Shape shape = ShapeOf(tensor);
  Tensor<double> drawn(shape);
  if (HasRowsOfSumOne(tensor, shape)) {
    for (int64_t begin = 0; begin < drawn.size(); begin += shape.back()) {
      const std::span<double> row(drawn.data() + begin, static_cast<size_t>(shape.back()));
      double sum = 0;
      for (double& x : row) sum += x = source.Magnitude();
      for (double& x : row) x /= sum;
    }
  } else {
    for (int64_t i = 0; i < drawn.size(); ++i) drawn[i] = source.Number();
  }
  WriteTensor(drawn, v1::TENSOR_ENCODING_RAW_LE_F64, &tensor);
}

void DrawParameter(Source& source, double sign, v1::Tensor& tensor) {
  Tensor<double> drawn(ShapeOf(tensor));
  for (int64_t i = 0; i < drawn.size(); ++i) drawn[i] = sign * source.Number();
  WriteTensor(drawn, v1::TENSOR_ENCODING_RAW_LE_F64, &tensor);
}

// The problem has passed its limits.
Limits NoLimits() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Limits limits;
  limits.max_names = kMost;
  limits.max_operands = kMost;
  limits.max_tensor_elements = kMost;
  limits.max_bytes = kInfinity;
  limits.max_response_bytes = kInfinity;
  limits.max_flops = kInfinity;
  return limits;
}

// Numbers are equal: `a` and `b` made of `a_values` and `b_values`.
bool AreNear(const Formula& a, std::span<const double> a_values, const Formula& b,
             std::span<const double> b_values) {
  const double x = a.Evaluate(a_values);
  const double y = b.Evaluate(b_values);
  const double difference = std::abs(x - y);
  if (difference <= kRelative * std::max(std::abs(x), std::abs(y))) return true;
  double largest = 0;
  const auto half_width = [&](const Formula& formula, std::span<const double> values) {
    std::vector<double> half_widths;
    for (const double value : values) {
      half_widths.push_back(kRounding * std::abs(value));
      largest = std::max(largest, std::abs(value));
    }
    return formula.HalfWidth(values, half_widths);
  };
  const double rounding = half_width(a, a_values) + half_width(b, b_values);
  return difference <= rounding && difference <= kMaxCancelled * largest;
}

}  // namespace

FormulaDraws::FormulaDraws(const Plan& plan) : plan_(plan) {}

absl::StatusOr<bool> FormulaDraws::AreEqual(const Formula& a, const Formula& b,
                                            const std::atomic<bool>& cancelled) const {
  int equal_draws = 0;
  for (size_t i = 0; i < kDraws; ++i) {
    const absl::StatusOr<std::shared_ptr<const Numbers>> numbers = Draw(i, cancelled);
    if (!numbers.ok()) return numbers.status();
    const auto values_of = [&](const Formula& formula) {
      std::vector<double> values;
      for (const Target& variable : formula.variables()) {
        const auto found = (*numbers)->find({variable.quantity, variable.update});
        values.push_back(found == (*numbers)->end() ? std::numeric_limits<double>::quiet_NaN()
                                                    : found->second[*variable.element]);
      }
      return values;
    };
    const std::vector<double> a_values = values_of(a);
    const std::vector<double> b_values = values_of(b);
    if (!std::isfinite(a.Evaluate(a_values)) || !std::isfinite(b.Evaluate(b_values))) continue;
    if (!AreNear(a, a_values, b, b_values)) return false;
    if (++equal_draws == kNeededDraws) return true;
  }
  return false;
}

absl::StatusOr<std::shared_ptr<const FormulaDraws::Numbers>> FormulaDraws::Draw(
    size_t i, const std::atomic<bool>& cancelled) const {
  {
    const std::lock_guard lock(mutex_);
    if (kept_[i] != nullptr) return kept_[i];
  }
  // Not under the lock, where others could not be cancelled: at worst they make the same.
  absl::StatusOr<Numbers> made = Make(i, cancelled);
  if (!made.ok()) return made.status();
  auto numbers = std::make_shared<const Numbers>(*std::move(made));
  double bytes = 0;
  for (const auto& [place, tensor] : *numbers) {
    bytes += sizeof(Numbers::value_type) + sizeof(double) * static_cast<double>(tensor.size());
  }
  const std::lock_guard lock(mutex_);
  if (kept_[i] == nullptr && kept_bytes_ + bytes <= kMaxKeptBytes) {
    kept_[i] = numbers;
    kept_bytes_ += bytes;
  }
  return numbers;
}

absl::StatusOr<FormulaDraws::Numbers> FormulaDraws::Make(size_t i,
                                                         const std::atomic<bool>& cancelled) const {
  const bool positive = i >= kSignedDraws;
  Source source(positive ? i : i / 2, positive);
  std::unordered_set<std::string> kept_inputs;
  for (const IndexInput& index : plan_.graph().index_inputs()) {
    kept_inputs.insert(plan_.graph().value(index.input).name);
  }
  v1::Problem problem = plan_.problem();
  const auto draw_inputs = [&](google::protobuf::RepeatedPtrField<v1::NamedTensor>* inputs) {
    for (v1::NamedTensor& input : *inputs) {
      if (!kept_inputs.contains(input.name())) DrawInput(source, *input.mutable_tensor());
    }
  };
  draw_inputs(problem.mutable_inputs());
  for (v1::Batch& batch : *problem.mutable_batches()) draw_inputs(batch.mutable_inputs());
  for (v1::Parameter& parameter : *problem.mutable_network()->mutable_parameters()) {
    DrawParameter(source, !positive && i % 2 == 1 ? -1 : 1, *parameter.mutable_value());
  }

  absl::StatusOr<Plan> plan = Plan::Make(problem, plan_.scope(), NoLimits());
  if (!plan.ok()) return plan.status();
  // What plan_ computes after the last update.
  for (const Quantity& q : plan_.Order(plan_.world_count() - 1)) {
    plan->Need({q, plan_.world_count() - 1, std::nullopt});
  }
  Numbers numbers;
  absl::Status status = Execute<double>(
      *plan, cancelled, [&](const Quantity& q, int update, const Tensor<double>& tensor) {
        numbers[{q, update}] = tensor;
      });
  if (!status.ok()) return status;
  return numbers;
}

}  // namespace gradus
