#include "tests/grading/trials/student.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fmt/format.h"
#include "server/engine/compute.h"
#include "server/engine/execute.h"
#include "server/tensor/tensor_proto.h"

namespace gradus::testing {
namespace {

template <class To, class From>
Tensor<To> Converted(const Tensor<From>& from) {
  Tensor<To> to(from.shape());
  for (int64_t i = 0; i < from.size(); ++i) to[i] = static_cast<To>(from[i]);
  return to;
}

// A calculation in one number type.
template <class T>
class Calculation {
 public:
  explicit Calculation(const CompiledProblem& problem)
      : problem_(problem),
        world_(problem.graph(), problem.plan().slot_count()),
        upstream_(*ReadUpstream<T>(problem.plan())) {}

  void Begin(int update) {
    const Graph& graph = problem_.graph();
    const World<double>& truth = problem_.truth(update);
    update_ = update;
    updater_.reset();
    for (int i = 0; i < graph.input_count(); ++i) {
      const Quantity q = {QuantityKind::kValue, graph.input(i)};
      Set(q, truth.value(q.value));
    }
    if (update > 0) {
      world_.Advance();
      return;
    }
    for (int i = 0; i < graph.parameter_count(); ++i) {
      const ValueId id = graph.parameter(i);
      Set({QuantityKind::kValue, id}, truth.value(id));
      for (int slot = 0; slot < world_.slot_count(); ++slot) {
        world_.old_state(id, slot) = Converted<T>(truth.old_state(id, slot));
      }
    }
  }

  Tensor<double> Compute(const Quantity& q) {
    if (IsOfUpdate(q.kind) && !updater_.has_value()) {
      updater_.emplace(problem_.MakeUpdater(world_, update_));
    }
    return Converted<double>(ComputeQuantity(problem_.graph(), world_, upstream_, updater_, q));
  }
  void Set(const Quantity& q, const Tensor<double>& numbers) {
    world_.At(q) = Converted<T>(numbers);
  }
  const World<T>& world() const { return world_; }

 private:
  const CompiledProblem& problem_;
  World<T> world_;
  Tensor<T> upstream_;
  int update_ = 0;
  std::optional<Updater<T>> updater_;
};

double Rounded(double x, int decimals, Rounding rounding) {
  const double scale = std::pow(10.0, decimals);
  const double scaled = std::abs(x) * scale;
  const double whole = std::floor(scaled);
  const double rest = scaled - whole;
  // Halves of decimals are seldom halves in binary.
  constexpr double kHalf = 1e-7;
  bool is_up = rest > 0.5;
  if (rounding == Rounding::kTowardsZero) {
    is_up = rest > 1 - kHalf;
  } else if (std::abs(rest - 0.5) < kHalf) {
    is_up = rounding == Rounding::kHalfUp ||
            (rounding == Rounding::kHalfEven && std::fmod(whole, 2) != 0);
  }
  return std::copysign((is_up ? whole + 1 : whole) / scale, x);
}

Tensor<double> Rounded(Tensor<double> x, int decimals, Rounding rounding) {
  for (int64_t i = 0; i < x.size(); ++i) x[i] = Rounded(x[i], decimals, rounding);
  return x;
}

// A dense node, its gradients and a plain step of gradient descent, with every product rounded;
// nullopt for everything else.
template <class Round>
std::optional<Tensor<double>> WithRoundedProducts(const Spot& spot, Round round) {
  const Graph& graph = spot.graph();
  const Quantity& q = spot.quantity;
  Tensor<double> sums(spot.right.shape());
  // The dense node behind the quantity: z = x W' + b, with W of shape [out, in].
  const auto add_dense = [&](ValueId node, auto add) {
    const std::vector<ValueId>& operands = graph.node(node).operands;
    const Tensor<double>& x = spot.world.value(operands[0]);
    const Tensor<double>& w = spot.world.value(operands[1]);
    const int64_t out = w.shape()[0];
    const int64_t in = w.shape()[1];
    for (int64_t row = 0; row < x.size() / in; ++row) {
      for (int64_t o = 0; o < out; ++o) {
        for (int64_t i = 0; i < in; ++i) add(row * in + i, o * in + i, row * out + o, x, w);
      }
    }
  };
  const auto is_dense = [&](ValueId id) {
    return graph.is_node(id) && graph.node(id).op->op_case == v1::Node::kDense &&
           graph.node(id).operands.size() == 3;
  };
  if (q.kind == QuantityKind::kValue && is_dense(q.value)) {
    add_dense(q.value, [&](int64_t xi, int64_t wi, int64_t zi, const auto& x, const auto& w) {
      sums[zi] += round(x[xi] * w[wi]);
    });
    const Tensor<double>& b = spot.world.value(graph.node(q.value).operands[2]);
    for (int64_t i = 0; i < sums.size(); ++i) sums[i] += b[i % b.size()];
    return sums;
  }
  if (q.kind == QuantityKind::kGradient && graph.value(q.value).uses.size() == 1) {
    const Use& use = graph.value(q.value).uses.front();
    if (!is_dense(use.node) || use.position > 1) return std::nullopt;
    const Tensor<double>& g = spot.world.gradient(use.node);
    add_dense(use.node, [&](int64_t xi, int64_t wi, int64_t zi, const auto& x, const auto& w) {
      if (use.position == 0) sums[xi] += round(g[zi] * w[wi]);
      if (use.position == 1) sums[wi] += round(g[zi] * x[xi]);
    });
    return sums;
  }
  const v1::Optimizer& optimizer = spot.problem.optimizer();
  if (q.kind == QuantityKind::kNext && optimizer.has_sgd() && optimizer.sgd().momentum() == 0 &&
      !optimizer.has_weight_decay()) {
    const Tensor<double>& before = spot.world.value(q.value);
    const Tensor<double>& g = spot.world.gradient(q.value);
    for (int64_t i = 0; i < sums.size(); ++i) {
      sums[i] = before[i] - round(optimizer.sgd().learning_rate() * g[i]);
    }
    return sums;
  }
  return std::nullopt;
}

bool IsFinite(const Tensor<double>& x) {
  return std::all_of(x.values().begin(), x.values().end(),
                     [](double e) { return std::isfinite(e); });
}

// Whether a number shows so many digits that grading takes it for a machine's.
bool LooksMachineMade(const Tensor<double>& numbers, int decimals) {
  constexpr int kMachineDigits = 8;
  const double least = std::pow(10.0, kMachineDigits - 1 - decimals);
  return std::any_of(numbers.values().begin(), numbers.values().end(),
                     [&](double x) { return std::abs(x) >= least; });
}

bool IsVisible(const Tensor<double>& wrong, const Tensor<double>& right, Arithmetic arithmetic) {
  if (!IsFinite(wrong)) return false;
  double largest = 0;
  double most = 0;
  for (int64_t i = 0; i < right.size(); ++i) {
    largest = std::max(largest, std::abs(right[i]));
    most = std::max(most, std::abs(wrong[i] - right[i]));
  }
  constexpr double kUnits = 10;
  constexpr double kRelative = 1e-3;
  return arithmetic == Arithmetic::kByHand ? most > kUnits * std::pow(10.0, -kRequiredDecimals)
                                           : most > kRelative * largest;
}

}  // namespace

std::optional<Work> WorkOut(const CompiledProblem& problem, const Style& style, Random& random,
                            std::span<const Plant> plants) {
  Work work = {style.arithmetic, {}};
  Calculation<double> calculation(problem);
  std::optional<Calculation<float>> in_float;
  // Three of four lines to nearly all.
  const double part = style.hands_in_a_part ? random.Uniform(0.75, 1) : 1;
  if (style.arithmetic == Arithmetic::kFloat32) in_float.emplace(problem);
  for (int update = 0; update < problem.world_count(); ++update) {
    calculation.Begin(update);
    if (in_float.has_value()) in_float->Begin(update);
    for (const Quantity& q : problem.order(update)) {
      const int decimals =
          kRequiredDecimals +
          static_cast<int>(random.Below(style.most_decimals - kRequiredDecimals + 1));
      const auto as_written = [&](const Tensor<double>& numbers) {
        if (style.arithmetic == Arithmetic::kFloat64) return numbers;
        if (style.arithmetic == Arithmetic::kByHand) {
          return Rounded(numbers, decimals, style.rounding);
        }
        return Converted<double>(Converted<float>(numbers));
      };
      Tensor<double> right = in_float.has_value() ? in_float->Compute(q) : calculation.Compute(q);
      if (!IsFinite(right)) return std::nullopt;
      const Spot spot = {problem, update, q, calculation.world(), right, random};
      if (style.rounds_products) {
        std::optional<Tensor<double>> rounded = WithRoundedProducts(
            spot, [&](double x) { return Rounded(x, decimals, style.rounding); });
        if (rounded.has_value()) right = *std::move(rounded);
      }
      Tensor<double> found = right;
      bool is_planted = false;
      bool is_slip = false;
      for (const Plant& plant : plants) {
        if (plant.update != update || !(plant.quantity == q)) continue;
        std::optional<Tensor<double>> wrong = plant.mistake->apply(spot);
        if (!wrong.has_value() || !IsVisible(*wrong, right, style.arithmetic)) return std::nullopt;
        found = *std::move(wrong);
        is_planted = true;
        is_slip = plant.mistake->is_slip;
      }
      Tensor<double> written = as_written(found);
      if (style.arithmetic == Arithmetic::kByHand && LooksMachineMade(written, decimals)) {
        return std::nullopt;
      }
      const Tensor<double>& exact = is_slip ? right : found;
      const Tensor<double> used = style.uses_unrounded ? exact : as_written(exact);
      calculation.Set(q, used);
      if (in_float.has_value()) in_float->Set(q, used);
      if (is_planted || random.Uniform(0, 1) < part) {
        work.lines.push_back({problem.plan().AddressOf(q, update), std::move(written), decimals});
      }
    }
  }
  return work;
}

v1::Submission Submit(const Work& work) {
  v1::Submission submission;
  for (const Line& line : work.lines) {
    v1::Answer* answer = submission.add_answers();
    answer->set_item(line.address);
    if (work.arithmetic != Arithmetic::kByHand) {
      WriteTensor(line.numbers, v1::TENSOR_ENCODING_VALUES, answer->mutable_tensor());
      continue;
    }
    v1::TextTensor* text = answer->mutable_text();
    for (const int64_t dimension : line.numbers.shape().lengths()) text->add_shape(dimension);
    for (const double number : line.numbers.values()) {
      text->add_values(fmt::format("{:.{}f}", number, line.decimals));
    }
  }
  return submission;
}

}  // namespace gradus::testing
