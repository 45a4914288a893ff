#include "server/checking/finite_difference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace gradus {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
// First steps, as shares of the size.
constexpr double kScales[] = {0x1p-7, 0x1p-13, 0x1p-19, 0x1p-25, 0x1p-30};
// An estimate this good is not tried to better.
constexpr double kGoodEnough = 1e-8;

// To within a tenth.
bool IsNear(double slope, double quotient) {
  return std::abs(slope - quotient) <= 0.1 * std::max(std::abs(slope), std::abs(quotient));
}

bool Agree(const Estimate& a, const Estimate& b) {
  return std::abs(a.value - b.value) <= a.error + b.error;
}

struct Extrapolation {
  Estimate estimate;
  // The slopes at both ends of the largest step are near the difference: the step looks at the
  // function around the point, and not at two flanks of it.
  bool is_local;
  bool moves;  // with some step
};

// Extrapolates differences of steps h, h / 2 and h / 4. Nothing where they reach another branch
// than `branches`, unless that is not asked for.
std::optional<Extrapolation> Extrapolate(const std::function<Reading(double)>& move, double step,
                                         double noise, std::optional<uint64_t> branches) {
  constexpr size_t kSteps = 3;
  std::array<std::array<double, kSteps>, kSteps> tableau;
  Estimate best = {0, kUnbounded, std::nullopt};
  bool is_local = false;
  bool moves = false;
  double rounding = 0;
  for (size_t row = 0; row < kSteps; ++row, step /= 2) {
    const Reading low = move(-step);
    const Reading high = move(step);
    if (branches.has_value() && (low.branches != branches || high.branches != branches)) {
      return std::nullopt;
    }
    const double quotient = (high.rise - low.rise) / (2 * step);
    if (row == 0) is_local = IsNear(low.slope, quotient) && IsNear(high.slope, quotient);
    tableau[row][0] = quotient;
    moves = moves || low.moves() || high.moves();
    rounding = (kEpsilon * std::max(low.magnitude, high.magnitude) + noise) / step;
    // Each further column removes a power of the step from the error; the entry that moved least
    // from its neighbours is the best.
    double power = 1;
    for (size_t column = 1; column <= row; ++column) {
      power *= 4;
      const double left = tableau[row][column - 1];
      const double above = tableau[row - 1][column - 1];
      const double value = left + (left - above) / (power - 1);
      tableau[row][column] = value;
      const double error = std::max(std::abs(value - left), std::abs(value - above));
      if (error <= best.error) best = {value, error, std::nullopt};
    }
  }
  best.error += rounding;
  return Extrapolation{best, is_local, moves};
}

}  // namespace

Estimate CentralDifference(const std::function<Reading(double)>& move, double size, double noise) {
  const Reading here = move(0);
  std::optional<Estimate> best;
  bool is_confirmed = false;
  bool moves = false;
  for (const double scale : kScales) {
    const auto next = Extrapolate(move, scale * size, noise, here.branches);
    if (!next.has_value()) continue;
    moves = moves || next->moves;
    is_confirmed = best.has_value() && Agree(next->estimate, *best);
    if (!is_confirmed || next->estimate.error < best->error) best = next->estimate;
    if (is_confirmed && next->is_local && best->error <= kGoodEnough * std::abs(best->value)) break;
  }
  if (!best.has_value()) {
    const KinkSlopes slopes = SlopesAround(move, size);
    if (!slopes.are_equal()) return {here.slope, kUnbounded, slopes};
    // Put together smoothly: the branches do not matter.
    const auto larger = Extrapolate(move, kScales[1] * size, noise, std::nullopt);
    const auto smaller = Extrapolate(move, kScales[2] * size, noise, std::nullopt);
    moves = larger->moves || smaller->moves;
    is_confirmed = Agree(larger->estimate, smaller->estimate);
    best = larger->estimate.error < smaller->estimate.error ? larger->estimate : smaller->estimate;
  }
  // Whatever the step, to the last digit: it does not depend on what moves.
  if (!moves) return {0, 0, std::nullopt};
  if (!is_confirmed) best->error = kUnbounded;
  return *best;
}

}  // namespace gradus
