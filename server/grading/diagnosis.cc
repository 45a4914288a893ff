#include "server/grading/diagnosis.h"

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

// A match that is at least this likely by chance is no name.
constexpr double kMostChance = 0.3;

struct Match {
  bool explains;
  double chance;  // that a wrong number falls into the windows
};

Match MatchOf(const Tensor<double>& numbers, const Tensor<Interval>& windows,
              const Tensor<double>& right, const std::vector<Evidence>& evidence) {
  Match match = {true, 1};
  for (const Evidence& e : evidence) {
    const double v = numbers[e.position];
    const double low = windows[e.position].lo() - e.widening;
    const double high = windows[e.position].hi() + e.widening;
    const bool has_window = std::isfinite(low) && std::isfinite(high);
    const bool fits =
        IsNear(e.written, v, e.tolerance) || (has_window && low <= e.written && e.written <= high);
    if (!fits) return {false, 1};
    if (!e.is_wrong) continue;
    const double near = e.tolerance.absolute + e.tolerance.relative * std::abs(v);
    const double half_width = has_window ? std::max(near, (high - low) / 2) : near;
    const double size = std::max(std::abs(e.written), std::abs(right[e.position]));
    match.chance *= std::min(1.0, half_width / size);
  }
  return match;
}

// A reading that correct arithmetic gives too is no mistake.
bool IsRight(const Tensor<double>& numbers, const Estimated& right,
             const std::vector<Evidence>& evidence) {
  return std::all_of(evidence.begin(), evidence.end(), [&](const Evidence& e) {
    const Interval& window = right.windows[e.position];
    return window.lo() - e.widening <= numbers[e.position] &&
           numbers[e.position] <= window.hi() + e.widening;
  });
}

}  // namespace

Diagnosis NameMistakes(const CompiledProblem& problem, View& own, const Quantity& q,
                       const Estimated& right, const std::vector<Evidence>& evidence) {
  std::vector<std::optional<double>> written(static_cast<size_t>(right.numbers.size()));
  std::vector<int64_t> wrong;
  for (const Evidence& e : evidence) {
    written[static_cast<size_t>(e.position)] = e.written;
    if (e.is_wrong) wrong.push_back(e.position);
  }
  const Scene<double> numbers = {problem,       q,       own.update(), own.numbers(),
                                 right.numbers, written, wrong};
  const Scene<Interval> windows = {problem,       q,       own.update(), own.windows(),
                                   right.windows, written, wrong};
  struct Found {
    const Hypothesis* hypothesis;
    double chance;
  };
  std::vector<Found> found;
  int tried = 0;
  for (const Hypothesis& hypothesis : Hypotheses()) {
    Readings<double> readings;
    Readings<Interval> reading_windows;
    hypothesis.add_numbers(numbers, readings);
    if (readings.empty()) continue;
    hypothesis.add_windows(windows, reading_windows);
    bool is_tried = false;
    std::optional<double> chance;
    for (size_t i = 0; i < std::min(readings.size(), reading_windows.size()); ++i) {
      if (IsRight(readings[i], right, evidence)) continue;
      is_tried = true;
      const Match match = MatchOf(readings[i], reading_windows[i], right.numbers, evidence);
      if (match.explains) chance = std::min(chance.value_or(1), match.chance);
    }
    tried += is_tried ? 1 : 0;
    if (chance.has_value()) found.push_back({&hypothesis, *chance});
  }
  Diagnosis diagnosis;
  for (const Generality generality : {Generality::kStructural, Generality::kGeneric}) {
    for (const Found& f : found) {
      if (f.hypothesis->generality != generality) continue;
      if (f.chance * tried <= kMostChance) {
        diagnosis.named.push_back(f.hypothesis);
      } else if (generality == Generality::kStructural) {
        diagnosis.has_unnamed = true;
      }
    }
    if (!diagnosis.named.empty()) break;
  }
  return diagnosis;
}

}  // namespace gradus
