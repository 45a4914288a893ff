#include "server/checking/checker.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "fmt/format.h"
#include "server/checking/finite_difference.h"
#include "server/checking/forward_mode.h"
#include "server/checking/likely_mistake.h"
#include "server/checking/taylor.h"
#include "server/engine/backward.h"
#include "server/engine/forward.h"
#include "server/engine/quantity.h"
#include "server/kernels/map.h"

namespace gradus {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Elements of a tensor below this share of the largest are held to its digits, not to their own.
constexpr double kFloor = 1e-3;
constexpr int kMaxFindings = 20;

double LargestMagnitude(const Tensor<double>& tensor) {
  double largest = 0;
  for (const double x : tensor.values()) {
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  }
  return largest;
}

// How large a step in a number counts as: by itself, or by its neighbours where it is near 0.
double SizeOf(double x, double largest) {
  constexpr double kShare = 1.0 / 16;
  const double size = std::max(std::abs(x), kShare * largest);
  return size == 0 ? 1 : size;
}

// Numbers of magnitude 1/2 to 1, of either sign, so that every element counts; on every platform
// the same.
Tensor<double> RandomDirection(const Shape& shape, uint64_t seed, double scale) {
  std::mt19937_64 random(seed);
  Tensor<double> direction(shape);
  for (int64_t i = 0; i < direction.size(); ++i) {
    const uint64_t bits = random();
    const double magnitude = 0.5 + 0.5 * static_cast<double>(bits >> 11) * 0x1p-53;
    direction[i] = scale * ((bits & 1) == 0 ? magnitude : -magnitude);
  }
  return direction;
}

double Dot(const Tensor<double>& a, const Tensor<double>& b) {
  return std::inner_product(a.values().begin(), a.values().end(), b.values().begin(), 0.0);
}

std::string ElementAddress(const std::string& gradient, const Shape& shape, int64_t position) {
  Address address = *ParseAddress(gradient);
  address.is_element = true;
  address.indices.assign(static_cast<size_t>(shape.rank()), 0);
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    address.indices[static_cast<size_t>(axis)] = position % shape[axis];
    position /= shape[axis];
  }
  return FormatAddress(address);
}

// How far the gradient is off, for sorting.
double Distance(const v1::CheckFinding& finding) {
  const double distance = std::abs(finding.analytic() - finding.numeric());
  return std::isnan(distance) ? kInfinity : distance;
}

int Rank(const v1::CheckFinding& finding) {
  if (finding.verdict() == v1::CHECK_VERDICT_DIFFERS) return 0;
  return finding.has_kink() ? 2 : 1;
}

const char* MethodName(v1::CheckMethod method) {
  switch (method) {
    case v1::CHECK_METHOD_CENTRAL_DIFFERENCE:
      return "central differences";
    case v1::CHECK_METHOD_RANDOM_DIRECTION:
      return "forward mode along a random direction";
    case v1::CHECK_METHOD_TAYLOR:
      return "the remainder of Taylor's formula";
    default:
      return "forward mode";
  }
}

}  // namespace

Checker::Checker(const Graph& graph, const World<double>& world, const Tensor<double>& upstream,
                 const CheckOptions& options, const std::atomic<bool>& cancelled)
    : graph_(graph),
      world_(world),
      options_(options),
      cancelled_(cancelled),
      probe_(graph, world, upstream),
      rounding_(graph.values().size()) {
  BoundRounding(upstream);
}

// The same passes over intervals that begin as points: their width is what rounding can have done,
// also where terms cancel. Intervals are pessimistic, so a share of the largest gradient anywhere
// limits them.
void Checker::BoundRounding(const Tensor<double>& upstream) {
  constexpr double kMostRounding = 1e-12;
  World<Interval> box(graph_);
  const auto to_interval = [](double x) { return Interval(x); };
  for (ValueId id = 0; id < static_cast<ValueId>(graph_.values().size()); ++id) {
    Tensor<Interval> point(graph_.value(id).shape);
    Map(world_.value(id), point, to_interval);
    box.At({QuantityKind::kValue, id}) = std::move(point);
  }
  for (const Quantity& q : graph_.value_order()) box.At(q) = ComputeValue(graph_, box, q.value);
  Tensor<Interval> box_upstream(upstream.shape());
  Map(upstream, box_upstream, to_interval);
  double largest = 0;
  for (const Quantity& q : graph_.gradient_order()) {
    if (q.kind == QuantityKind::kSlope) {
      box.At(q) = ComputeSlope(graph_, box, q.value);
    } else {
      box.At(q) = ComputeGradient(graph_, box, box_upstream, q.value);
      largest = std::max(largest, LargestMagnitude(world_.gradient(q.value)));
    }
  }
  for (const Quantity& q : graph_.gradient_order()) {
    if (q.kind == QuantityKind::kSlope) continue;
    Tensor<double>& rounding = rounding_[static_cast<size_t>(q.value)];
    rounding = Tensor<double>(graph_.value(q.value).shape);
    Map(box.At(q), rounding,
        [&](const Interval& x) { return std::min(x.hi() - x.lo(), kMostRounding * largest); });
  }
}

double Checker::Relative(v1::CheckMethod method) const {
  if (options_.relative_tolerance > 0) return options_.relative_tolerance;
  const bool uses_steps =
      method == v1::CHECK_METHOD_CENTRAL_DIFFERENCE || method == v1::CHECK_METHOD_TAYLOR;
  return uses_steps ? 1e-6 : 1e-9;
}

void Checker::Judge(Comparison& c, double relative, double scale) const {
  const auto [numeric, error, kink] = c.numeric;
  const double largest = std::max({std::abs(c.analytic), std::abs(numeric), kFloor * scale});
  const double allowed = relative * largest + c.rounding;
  if (!std::isfinite(c.analytic)) {
    c.verdict = std::isfinite(numeric) ? v1::CHECK_VERDICT_DIFFERS : v1::CHECK_VERDICT_UNDECIDED;
  } else if (kink.has_value()) {
    // Between the slopes; or the subgradient that the ops document, which lies elsewhere where
    // several kinks meet.
    const double low = std::min(kink->left, kink->right);
    const double high = std::max(kink->left, kink->right);
    const bool between = c.analytic >= low - allowed && c.analytic <= high + allowed;
    const bool documented = std::abs(c.analytic - numeric) <= allowed;
    c.verdict = between || documented ? v1::CHECK_VERDICT_AGREES : v1::CHECK_VERDICT_DIFFERS;
  } else if (!std::isfinite(numeric) || !std::isfinite(error)) {
    c.verdict = v1::CHECK_VERDICT_UNDECIDED;
  } else if (const double distance = std::abs(c.analytic - numeric); distance > allowed + error) {
    c.verdict = v1::CHECK_VERDICT_DIFFERS;
  } else {
    c.verdict = distance <= allowed && error <= allowed ? v1::CHECK_VERDICT_AGREES
                                                        : v1::CHECK_VERDICT_UNDECIDED;
  }
}

bool Checker::AcceptsZero(const Comparison& comparison, double relative, double scale) const {
  Comparison zero = comparison;
  zero.analytic = 0;
  Judge(zero, relative, scale);
  return zero.verdict != v1::CHECK_VERDICT_DIFFERS;
}

v1::CheckResult Checker::Check(ValueId value, const Tensor<double>& gradient,
                               v1::CheckMethod method) {
  probe_.Aim(value);
  const bool along_direction =
      method == v1::CHECK_METHOD_RANDOM_DIRECTION || method == v1::CHECK_METHOD_TAYLOR;
  return along_direction ? CheckDirection(value, gradient, method)
                         : CheckElements(value, gradient, method);
}

double Checker::Flops(ValueId value, v1::CheckMethod method) const {
  // Readings of an element: near and at a kink it takes more, but few elements are.
  constexpr double kForwardReadings = 1.5;
  constexpr double kCentralReadings = 11;
  const double reading = probe_.Flops(value);
  const auto elements = static_cast<double>(graph_.value(value).shape.element_count());
  switch (method) {
    case v1::CHECK_METHOD_CENTRAL_DIFFERENCE:
      return kCentralReadings * elements * reading;
    case v1::CHECK_METHOD_RANDOM_DIRECTION:
      return 3 * reading;
    case v1::CHECK_METHOD_TAYLOR:
      return kMaxTaylorReadings * reading;
    default:
      return kForwardReadings * elements * reading;
  }
}

v1::CheckResult Checker::CheckElements(ValueId value, const Tensor<double>& gradient,
                                       v1::CheckMethod method) {
  const Tensor<double>& point = probe_.point();
  const double largest_point = LargestMagnitude(point);
  Tensor<double> numeric(point.shape());
  std::vector<Comparison> comparisons;
  for (int64_t i = 0; i < point.size(); ++i) {
    if (cancelled_.load(std::memory_order_relaxed)) return {};
    const auto move = [&](double step) { return probe_.Move(i, step); };
    const double size = SizeOf(point[i], largest_point);
    const Estimate estimate = method == v1::CHECK_METHOD_CENTRAL_DIFFERENCE
                                  ? CentralDifference(move, size)
                                  : ForwardMode(move, size);
    numeric[i] = estimate.value;
    comparisons.push_back({estimate, gradient[i], rounding_[static_cast<size_t>(value)][i],
                           v1::CHECK_VERDICT_UNSPECIFIED});
  }

  v1::CheckResult result;
  result.set_address(
      FormatQuantity(QuantityKind::kGradient, graph_.value(value).name, "", /*updates=*/0));
  result.set_method(method);
  result.set_element_count(point.size());
  const double relative = Relative(method);
  const double scale = LargestMagnitude(numeric);
  bool accepts_zeros = true;
  std::vector<v1::CheckFinding> findings;
  for (int64_t i = 0; i < point.size(); ++i) {
    Comparison& c = comparisons[static_cast<size_t>(i)];
    Judge(c, relative, scale);
    accepts_zeros = accepts_zeros && AcceptsZero(c, relative, scale);
    const bool is_kink = c.numeric.kink.has_value();
    if (c.verdict == v1::CHECK_VERDICT_DIFFERS) {
      result.set_differing_count(result.differing_count() + 1);
    } else if (is_kink) {
      result.set_kink_count(result.kink_count() + 1);
    } else if (c.verdict == v1::CHECK_VERDICT_UNDECIDED) {
      result.set_undecided_count(result.undecided_count() + 1);
    } else {
      continue;
    }
    v1::CheckFinding& finding = findings.emplace_back();
    finding.set_address(ElementAddress(result.address(), point.shape(), i));
    finding.set_verdict(c.verdict);
    finding.set_analytic(c.analytic);
    finding.set_numeric(c.numeric.value);
    finding.set_error_estimate(c.numeric.error + c.rounding);
    if (is_kink) {
      finding.mutable_kink()->set_left_slope(c.numeric.kink->left);
      finding.mutable_kink()->set_right_slope(c.numeric.kink->right);
    }
  }
  std::stable_sort(findings.begin(), findings.end(), [](const auto& a, const auto& b) {
    return Rank(a) != Rank(b) ? Rank(a) < Rank(b) : Distance(a) > Distance(b);
  });
  if (findings.size() > kMaxFindings) findings.resize(kMaxFindings);
  result.mutable_findings()->Assign(findings.begin(), findings.end());

  result.set_accepts_zeros(accepts_zeros);
  const bool only_kinks = result.kink_count() == point.size();
  result.set_verdict(result.differing_count() > 0                 ? v1::CHECK_VERDICT_DIFFERS
                     : result.undecided_count() > 0 || only_kinks ? v1::CHECK_VERDICT_UNDECIDED
                                                                  : v1::CHECK_VERDICT_AGREES);
  result.set_message(Describe(result, gradient, numeric));
  return result;
}

v1::CheckResult Checker::CheckDirection(ValueId value, const Tensor<double>& gradient,
                                        v1::CheckMethod method) {
  const Tensor<double>& point = probe_.point();
  const double size = SizeOf(0, 16 * LargestMagnitude(point));
  const Tensor<double> direction =
      RandomDirection(point.shape(), options_.seed + static_cast<uint64_t>(value), 1);
  const auto move = [&](double step) { return probe_.Move(direction, step); };
  const double analytic = Dot(gradient, direction);
  // The parts of the product may cancel, but their rounding does not.
  const Tensor<double>& rounding = rounding_[static_cast<size_t>(value)];
  const double rounding_of_sum =
      std::accumulate(rounding.values().begin(), rounding.values().end(), 0.0);
  const double relative = Relative(method);

  v1::CheckResult result;
  result.set_address(
      FormatQuantity(QuantityKind::kGradient, graph_.value(value).name, "", /*updates=*/0));
  result.set_method(method);
  result.set_element_count(point.size());
  v1::CheckFinding& finding = *result.add_findings();
  finding.set_address(result.address());
  finding.set_analytic(analytic);

  const Estimate exact = ForwardMode(move, size);
  if (exact.kink.has_value()) {
    result.set_kink_count(1);
    finding.mutable_kink()->set_left_slope(exact.kink->left);
    finding.mutable_kink()->set_right_slope(exact.kink->right);
    finding.set_numeric(exact.value);
    result.set_verdict(v1::CHECK_VERDICT_UNDECIDED);
  } else if (method == v1::CHECK_METHOD_TAYLOR) {
    const TaylorOrder taylor = MeasureTaylorOrder(move, analytic, size);
    finding.set_numeric(taylor.order);
    finding.set_error_estimate(taylor.smallest_error);
    result.set_taylor_order(taylor.order);
    result.set_accepts_zeros(std::abs(exact.value) <= taylor.smallest_error);
    result.set_verdict(taylor.outcome == TaylorOrder::Outcome::kRight ? v1::CHECK_VERDICT_AGREES
                       : taylor.outcome == TaylorOrder::Outcome::kWrong
                           ? v1::CHECK_VERDICT_DIFFERS
                           : v1::CHECK_VERDICT_UNDECIDED);
  } else {
    Comparison c = {exact, analytic, rounding_of_sum, v1::CHECK_VERDICT_UNSPECIFIED};
    const double scale = LargestMagnitude(gradient);
    Judge(c, relative, scale);
    finding.set_numeric(exact.value);
    finding.set_error_estimate(rounding_of_sum);
    result.set_accepts_zeros(AcceptsZero(c, relative, scale));
    result.set_verdict(c.verdict);
  }
  finding.set_verdict(result.verdict());
  result.set_message(Describe(result, gradient, gradient));
  return result;
}

std::string Checker::Describe(const v1::CheckResult& result, const Tensor<double>& analytic,
                              const Tensor<double>& numeric) const {
  const char* const method = MethodName(result.method());
  std::string text;
  const bool along_direction = result.method() == v1::CHECK_METHOD_RANDOM_DIRECTION ||
                               result.method() == v1::CHECK_METHOD_TAYLOR;
  switch (result.verdict()) {
    case v1::CHECK_VERDICT_DIFFERS: {
      const v1::CheckFinding& worst = result.findings(0);
      if (result.method() == v1::CHECK_METHOD_TAYLOR) {
        text = fmt::format(
            "{}: {} falls with the power {:.2f} of the step and not with 2: the gradient is wrong, "
            "or the function has a kink",
            result.address(), method, result.taylor_order());
        break;
      }
      text = fmt::format("{}: {:.9g}, by {} {:.9g}", worst.address(), worst.analytic(), method,
                         worst.numeric());
      if (worst.numeric() != 0 && std::isfinite(worst.analytic())) {
        text += fmt::format(", ratio {:.6g}", worst.analytic() / worst.numeric());
      }
      if (worst.has_kink()) {
        text += fmt::format("; a kink with slopes {:.9g} and {:.9g}", worst.kink().left_slope(),
                            worst.kink().right_slope());
      }
      if (along_direction) break;
      text += fmt::format("; {} of {} elements differ", result.differing_count(),
                          result.element_count());
      // Lengths of the first axis of anything: that of a batch is among them.
      std::vector<int64_t> lengths;
      for (const Value& value : graph_.values()) {
        if (value.shape.rank() > 0) lengths.push_back(value.shape[0]);
      }
      const std::string mistake = LikelyMistake(analytic, numeric, lengths);
      if (!mistake.empty()) text += "; " + mistake;
      break;
    }
    case v1::CHECK_VERDICT_UNDECIDED:
      if (along_direction && result.kink_count() > 0) {
        text = fmt::format("{}: a kink along the direction, with slopes {:.9g} and {:.9g}",
                           result.address(), result.findings(0).kink().left_slope(),
                           result.findings(0).kink().right_slope());
      } else if (result.kink_count() == result.element_count()) {
        text = fmt::format("{}: a kink at every element", result.address());
      } else {
        text = fmt::format("{}: {} cannot tell", result.address(), method);
        if (!along_direction) {
          text += fmt::format(" for {} of {} elements", result.undecided_count(),
                              result.element_count());
        }
        const v1::CheckFinding& first = result.findings(0);
        if (result.method() != v1::CHECK_METHOD_TAYLOR) {
          text +=
              fmt::format("; {}: {:.9g}, and {:.9g} with an error of up to {:.2g}", first.address(),
                          first.analytic(), first.numeric(), first.error_estimate());
        }
      }
      break;
    default:
      text = fmt::format("{}: agrees with {}", result.address(), method);
      if (!along_direction && result.kink_count() > 0) {
        text += fmt::format(" in all but {} kink{}", result.kink_count(),
                            result.kink_count() == 1 ? "" : "s");
      }
  }
  if (result.accepts_zeros() && result.verdict() != v1::CHECK_VERDICT_DIFFERS) {
    text += "; a gradient of zeros would have passed too";
  }
  return text;
}

}  // namespace gradus
