#include "server/checking/checker.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <tuple>

#include "fmt/format.h"
#include "server/checking/finite_difference.h"
#include "server/checking/forward_mode.h"
#include "server/checking/likely_mistake.h"
#include "server/checking/taylor.h"
#include "server/engine/backward.h"
#include "server/engine/forward.h"
#include "server/engine/quantity.h"
#include "server/kernels/interruption.h"
#include "server/kernels/map.h"
#include "server/tensor/largest_magnitude.h"

namespace gradus {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Elements of a tensor below this share of the largest are held to its digits, not to their own.
constexpr double kFloor = 0.1;
constexpr size_t kMaxFindings = 20;
// An estimate agrees though its error may be so many times what is allowed, as error estimates are
// pessimistic.
constexpr double kTolerableError = 10;

// How large a step in a number counts as: by itself, or by its neighbours where it is near 0.
double SizeOf(double x, double largest) {
  constexpr double kShare = 1.0 / 16;
  const double size = std::max(std::abs(x), kShare * largest);
  return size == 0 ? 1 : size;
}

// Numbers of magnitude 1/2 to 1, of either sign, so that every element counts; on every platform
// the same.
Tensor<double> RandomDirection(const Shape& shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  Tensor<double> direction(shape);
  for (int64_t i = 0; i < direction.size(); ++i) {
    const uint64_t bits = random();
    const double magnitude = 0.5 + 0.5 * static_cast<double>(bits >> 11) * 0x1p-53;
    direction[i] = (bits & 1) == 0 ? magnitude : -magnitude;
  }
  return direction;
}

bool IsAlongDirection(v1::CheckMethod method) {
  return method == v1::CHECK_METHOD_RANDOM_DIRECTION || method == v1::CHECK_METHOD_TAYLOR;
}

// Moves the value by finite steps, whose readings are differences of rounded numbers.
bool UsesSteps(v1::CheckMethod method) {
  return method == v1::CHECK_METHOD_CENTRAL_DIFFERENCE || method == v1::CHECK_METHOD_TAYLOR;
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
  const InterruptionScope scope(cancelled_);
  constexpr double kMostRounding = 1e-12;
  // Intervals move each bound by two units in the last place, where rounding takes half a unit; a
  // rise is a difference of two roundings.
  constexpr double kShareOfWidth = 0.25;
  World<Interval> box(graph_);
  const auto to_interval = [](double x) { return Interval(x); };
  for (ValueId id = 0; id < static_cast<ValueId>(graph_.values().size()); ++id) {
    Tensor<Interval> point(graph_.value(id).shape);
    Map(world_.value(id), point, to_interval);
    box.At({QuantityKind::kValue, id}) = std::move(point);
  }
  for (const Quantity& q : graph_.value_order()) {
    if (IsCancelled()) return;
    box.At(q) = ComputeValue(graph_, box, q.value);
  }
  const Tensor<Interval>& objective = box.value(*graph_.objective());
  for (int64_t i = 0; i < objective.size(); ++i) {
    most_noise_ += kShareOfWidth * std::abs(upstream[i]) * (objective[i].hi() - objective[i].lo());
  }
  Tensor<Interval> box_upstream(upstream.shape());
  Map(upstream, box_upstream, to_interval);
  double largest = 0;
  for (const Quantity& q : graph_.gradient_order()) {
    if (IsCancelled()) return;
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

double Checker::MeasureNoise(const Tensor<double>& direction, double size) {
  constexpr double kSafety = 16;
  // A bound that is this tight, as a share of the objective, is taken as it is.
  constexpr double kTight = 1e-12;
  double noise = 0;
  double magnitude = 0;
  for (const double step : {0x1p-24, 0x1p-26, 0x1p-28, -0x1p-24, -0x1p-26, -0x1p-28}) {
    const Reading reading = probe_.Move(direction, step * size);
    noise = std::max(noise, std::abs(reading.rise - step * size * reading.slope));
    magnitude = std::max(magnitude, reading.magnitude);
  }
  if (most_noise_ <= kTight * magnitude) return most_noise_;
  // The bound of a deep network is certain, and means nothing.
  return std::min(most_noise_, kSafety * noise);
}

double Checker::Relative(v1::CheckMethod method) const {
  if (options_.relative_tolerance > 0) return options_.relative_tolerance;
  return UsesSteps(method) ? 1e-5 : 1e-9;
}

void Checker::Judge(Comparison& c, double relative, double scale) const {
  const auto [numeric, error, kink] = c.numeric;
  const double largest = std::max({std::abs(c.analytic), std::abs(numeric), kFloor * scale});
  const double allowed = relative * largest + c.rounding;
  const bool knows = std::isfinite(numeric) && (std::isfinite(error) || kink.has_value());
  if (!knows) {
    c.verdict = v1::CHECK_VERDICT_UNDECIDED;
  } else if (!std::isfinite(c.analytic)) {
    c.verdict = v1::CHECK_VERDICT_DIFFERS;
  } else if (kink.has_value()) {
    // Between the slopes; or the subgradient that the ops document, which lies elsewhere where
    // several kinks meet.
    const double low = std::min(kink->left, kink->right);
    const double high = std::max(kink->left, kink->right);
    const bool between = c.analytic >= low - allowed && c.analytic <= high + allowed;
    const bool documented = std::abs(c.analytic - numeric) <= allowed;
    c.verdict = between || documented ? v1::CHECK_VERDICT_AGREES : v1::CHECK_VERDICT_DIFFERS;
  } else if (const double distance = std::abs(c.analytic - numeric); distance > allowed + error) {
    c.verdict = v1::CHECK_VERDICT_DIFFERS;
  } else {
    c.verdict = distance <= allowed && error <= kTolerableError * allowed
                    ? v1::CHECK_VERDICT_AGREES
                    : v1::CHECK_VERDICT_UNDECIDED;
  }
}

bool Checker::AcceptsZero(const Comparison& comparison, double relative, double scale) const {
  Comparison zero = comparison;
  zero.analytic = 0;
  Judge(zero, relative, scale);
  return comparison.verdict == v1::CHECK_VERDICT_AGREES && zero.verdict == v1::CHECK_VERDICT_AGREES;
}

v1::CheckResult Checker::Check(ValueId value, const Tensor<double>& gradient,
                               v1::CheckMethod method) {
  if (IsCancelled()) return {};
  const InterruptionScope scope(cancelled_);
  probe_.Aim(value);
  if (UsesSteps(method)) {
    const double largest = LargestMagnitude(probe_.point());
    noise_ = MeasureNoise(RandomDirection(probe_.point().shape(), options_.seed),
                          largest == 0 ? 1 : largest);
  }
  return IsAlongDirection(method) ? CheckDirection(value, gradient, method)
                                  : CheckElements(value, gradient, method);
}

v1::CheckResult Checker::CheckElements(ValueId value, const Tensor<double>& gradient,
                                       v1::CheckMethod method) {
  const Tensor<double>& point = probe_.point();
  const double largest_point = LargestMagnitude(point);
  Tensor<double> numeric(point.shape());
  std::vector<Comparison> comparisons;
  comparisons.reserve(static_cast<size_t>(point.size()));
  for (int64_t i = 0; i < point.size(); ++i) {
    if (IsCancelled()) return {};
    const auto move = [&](double step) { return probe_.Move(i, step); };
    const double size = SizeOf(point[i], largest_point);
    const Estimate estimate = method == v1::CHECK_METHOD_CENTRAL_DIFFERENCE
                                  ? CentralDifference(move, size, noise_)
                                  : ForwardMode(move, size);
    numeric[i] = estimate.value;
    comparisons.push_back({estimate, gradient[i], rounding_[static_cast<size_t>(value)][i],
                           v1::CHECK_VERDICT_UNSPECIFIED});
  }

  v1::CheckResult result = ResultFor(value, method);
  const double relative = Relative(method);
  const double scale = LargestMagnitude(numeric);
  bool accepts_zeros = true;
  std::vector<int64_t> noted;  // positions of what is not plain agreement
  for (int64_t i = 0; i < point.size(); ++i) {
    Comparison& c = comparisons[static_cast<size_t>(i)];
    Judge(c, relative, scale);
    accepts_zeros = accepts_zeros && AcceptsZero(c, relative, scale);
    const bool is_kink = c.numeric.kink.has_value();
    if (is_kink) result.set_kink_count(result.kink_count() + 1);
    if (c.verdict == v1::CHECK_VERDICT_DIFFERS) {
      result.set_differing_count(result.differing_count() + 1);
    } else if (c.verdict == v1::CHECK_VERDICT_UNDECIDED && !is_kink) {
      result.set_undecided_count(result.undecided_count() + 1);
    }
    if (is_kink || c.verdict != v1::CHECK_VERDICT_AGREES) noted.push_back(i);
  }
  // Those that differ come first, the worst before the others; kinks come last.
  const auto rank = [&](int64_t i) {
    const Comparison& c = comparisons[static_cast<size_t>(i)];
    const double distance = std::abs(c.analytic - c.numeric.value);
    const int kind = c.verdict == v1::CHECK_VERDICT_DIFFERS ? 0
                     : c.numeric.kink.has_value()           ? 2
                                                            : 1;
    return std::tuple(kind, std::isnan(distance) ? -kInfinity : -distance, i);
  };
  const size_t count = std::min(noted.size(), kMaxFindings);
  std::partial_sort(noted.begin(), noted.begin() + static_cast<std::ptrdiff_t>(count), noted.end(),
                    [&](int64_t a, int64_t b) { return rank(a) < rank(b); });
  for (size_t k = 0; k < count; ++k) {
    const Comparison& c = comparisons[static_cast<size_t>(noted[k])];
    AddFinding(c, FormatElement(result.address(), point.shape(), noted[k]), result);
  }

  const bool only_kinks = result.kink_count() == point.size();
  result.set_verdict(result.differing_count() > 0                 ? v1::CHECK_VERDICT_DIFFERS
                     : result.undecided_count() > 0 || only_kinks ? v1::CHECK_VERDICT_UNDECIDED
                                                                  : v1::CHECK_VERDICT_AGREES);
  result.set_accepts_zeros(accepts_zeros && result.verdict() == v1::CHECK_VERDICT_AGREES);
  result.set_message(Describe(result, gradient, numeric));
  return result;
}

v1::CheckResult Checker::CheckDirection(ValueId value, const Tensor<double>& gradient,
                                        v1::CheckMethod method) {
  const Tensor<double>& point = probe_.point();
  const double largest_point = LargestMagnitude(point);
  const double size = largest_point == 0 ? 1 : largest_point;
  const Tensor<double> direction =
      RandomDirection(point.shape(), options_.seed + static_cast<uint64_t>(value));
  const auto move = [&](double step) { return probe_.Move(direction, step); };
  // The terms of the product may cancel, but not their rounding.
  double analytic = 0;
  double scale = 0;
  double rounding = 0;
  for (int64_t i = 0; i < point.size(); ++i) {
    analytic += gradient[i] * direction[i];
    scale += std::abs(gradient[i] * direction[i]);
    rounding += rounding_[static_cast<size_t>(value)][i];
  }
  const double relative = Relative(method);
  Comparison c = {ForwardMode(move, size), analytic, rounding, v1::CHECK_VERDICT_UNDECIDED};

  v1::CheckResult result = ResultFor(value, method);
  if (c.numeric.kink.has_value()) {
    result.set_kink_count(1);
  } else if (method == v1::CHECK_METHOD_TAYLOR) {
    const double size_of_terms = std::max(scale, std::abs(c.numeric.value));
    const TaylorOrder taylor =
        MeasureTaylorOrder(move, analytic, size_of_terms, relative, size, noise_);
    c.numeric.error = taylor.smallest_error;
    result.set_taylor_order(taylor.order);
    c.verdict = taylor.outcome == TaylorOrder::Outcome::kRight   ? v1::CHECK_VERDICT_AGREES
                : taylor.outcome == TaylorOrder::Outcome::kWrong ? v1::CHECK_VERDICT_DIFFERS
                                                                 : v1::CHECK_VERDICT_UNDECIDED;
    result.set_accepts_zeros(c.verdict == v1::CHECK_VERDICT_AGREES &&
                             std::abs(c.numeric.value) <= taylor.smallest_error);
  } else {
    // The terms' own digits count, not those of their sum.
    Judge(c, relative, scale / kFloor);
    result.set_accepts_zeros(AcceptsZero(c, relative, scale / kFloor));
  }
  result.set_verdict(c.verdict);
  AddFinding(c, result.address(), result);
  result.set_message(Describe(result, gradient, gradient));
  return result;
}

void Checker::AddFinding(const Comparison& c, const std::string& address, v1::CheckResult& result) {
  v1::CheckFinding& finding = *result.add_findings();
  finding.set_address(address);
  finding.set_verdict(c.verdict);
  finding.set_analytic(c.analytic);
  finding.set_numeric(c.numeric.value);
  finding.set_error_estimate(c.numeric.error + c.rounding);
  if (!c.numeric.kink.has_value()) return;
  finding.mutable_kink()->set_left_slope(c.numeric.kink->left);
  finding.mutable_kink()->set_right_slope(c.numeric.kink->right);
}

v1::CheckResult Checker::ResultFor(ValueId value, v1::CheckMethod method) const {
  v1::CheckResult result;
  result.set_address(FormatQuantity(QuantityKind::kGradient, graph_.value(value).name, "", 0));
  result.set_method(method);
  result.set_element_count(graph_.value(value).shape.element_count());
  return result;
}

std::string Checker::Describe(const v1::CheckResult& result, const Tensor<double>& analytic,
                              const Tensor<double>& numeric) const {
  const char* const method = MethodName(result.method());
  const bool is_taylor = result.method() == v1::CHECK_METHOD_TAYLOR;
  const bool has_elements = !IsAlongDirection(result.method());
  if (result.verdict() == v1::CHECK_VERDICT_AGREES) {
    std::string text = fmt::format("{}: agrees with {}", result.address(), method);
    if (result.kink_count() > 0) {
      text += fmt::format(" in all but {} kink{}", result.kink_count(),
                          result.kink_count() == 1 ? "" : "s");
    }
    if (result.accepts_zeros()) text += "; a gradient of zeros would have passed too";
    return text;
  }

  const v1::CheckFinding& first = result.findings(0);
  if (result.verdict() == v1::CHECK_VERDICT_UNDECIDED) {
    if (!has_elements && first.has_kink()) {
      return fmt::format("{}: a kink along the direction, with slopes {:.9g} and {:.9g}",
                         result.address(), first.kink().left_slope(), first.kink().right_slope());
    }
    if (result.kink_count() == result.element_count()) {
      return fmt::format("{}: a kink at every element", result.address());
    }
    std::string text = fmt::format("{}: {} cannot tell", result.address(), method);
    if (has_elements) {
      text +=
          fmt::format(" for {} of {} elements", result.undecided_count(), result.element_count());
    }
    return text + fmt::format("; {}: {:.9g}, and {:.9g} with an error of up to {:.2g}",
                              first.address(), first.analytic(), first.numeric(),
                              first.error_estimate());
  }

  std::string text =
      is_taylor
          ? fmt::format(
                "{}: {} falls with the power {:.2f} of the step and not with 2; along "
                "the direction {:.9g}, by forward mode {:.9g}",
                first.address(), method, result.taylor_order(), first.analytic(), first.numeric())
          : fmt::format("{}: {:.9g}, by {} {:.9g}", first.address(), first.analytic(), method,
                        first.numeric());
  if (first.numeric() != 0 && std::isfinite(first.analytic())) {
    text += fmt::format(", ratio {:.6g}", first.analytic() / first.numeric());
  }
  if (first.has_kink()) {
    text += fmt::format("; a kink with slopes {:.9g} and {:.9g}", first.kink().left_slope(),
                        first.kink().right_slope());
  }
  if (!has_elements) return text;
  text +=
      fmt::format("; {} of {} elements differ", result.differing_count(), result.element_count());
  // Lengths of the first axis of anything: that of a batch is among them.
  std::vector<int64_t> lengths;
  for (const Value& value : graph_.values()) {
    if (value.shape.rank() > 0) lengths.push_back(value.shape[0]);
  }
  const std::string mistake = LikelyMistake(analytic, numeric, lengths);
  return mistake.empty() ? text : text + "; " + mistake;
}

double CheckerFlops(const Graph& graph) {
  // Of intervals, against the doubles that costs are estimated for.
  constexpr double kIntervalCost = 4;
  return kIntervalCost * (graph.cost().forward_flops + graph.cost().backward_flops);
}

double CheckFlops(const Graph& graph, ValueId value, std::span<const v1::CheckMethod> methods) {
  // Readings of an element: near and at a kink it takes up to twice as many, but few elements are.
  constexpr double kForwardReadings = 1.2;
  constexpr double kCentralReadings = 19;
  // Before the steps of a method begin.
  constexpr double kNoiseReadings = 6;
  const auto elements = static_cast<double>(graph.value(value).shape.element_count());
  double readings = 0;
  for (const v1::CheckMethod method : methods) {
    switch (method) {
      case v1::CHECK_METHOD_CENTRAL_DIFFERENCE:
        readings += kNoiseReadings + kCentralReadings * elements;
        break;
      case v1::CHECK_METHOD_RANDOM_DIRECTION:
        readings += 3;
        break;
      case v1::CHECK_METHOD_TAYLOR:
        readings += kNoiseReadings + 3 + kTaylorReadings;
        break;
      default:
        readings += kForwardReadings * elements;
    }
  }
  return readings * ReadingFlops(graph, value);
}

double CheckerBytes(const Graph& graph) {
  // Values as dual numbers; values, slopes and gradients as intervals; bounds of the gradients.
  constexpr double kNumbersOfDual = double{sizeof(Dual)} / sizeof(double);
  double bytes = (sizeof(Dual) + sizeof(Interval)) * graph.cost().value_elements +
                 (sizeof(Interval) + sizeof(double)) * graph.cost().gradient_elements +
                 kNumbersOfDual * graph.cost().scratch_bytes;
  int64_t largest = 0;
  for (const Value& value : graph.values()) {
    largest = std::max(largest, value.shape.element_count());
  }
  // A comparison, a number and a position for each element of one gradient.
  constexpr double kBytesPerComparison = 96;
  return bytes + kBytesPerComparison * static_cast<double>(largest);
}

double CheckResultBytes(const Value& value) {
  constexpr double kBytesPerResult = 512;
  constexpr double kBytesPerFinding = 160;
  const double findings =
      std::min(static_cast<double>(kMaxFindings), static_cast<double>(value.shape.element_count()));
  return kBytesPerResult + kBytesPerFinding * findings +
         (3 + findings) * static_cast<double>(value.name.size());
}

}  // namespace gradus
