#include "server/checking/taylor.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus {

TaylorOrder MeasureTaylorOrder(const std::function<Reading(double)>& move, double slope,
                               double scale, double relative, double size, double noise) {
  using Outcome = TaylorOrder::Outcome;
  constexpr double kFirstStep = 0x1p-4;
  constexpr double kShrink = 4;
  // A remainder counts while it is well above the rounding of the numbers that it is made of.
  constexpr double kAboveRounding = 100 * std::numeric_limits<double>::epsilon();
  constexpr double kAboveNoise = 4;
  constexpr double kRightOrder = 1.7;
  constexpr double kWrongOrder = 1.3;
  // Rounding alone may look like it for a step or two.
  constexpr int kWrongSteps = 3;
  // The order proves little about what lies below the smallest error that it could see.
  constexpr double kSeen = 0.01;

  TaylorOrder result = {Outcome::kUndecided, 0, std::numeric_limits<double>::infinity()};
  const Reading here = move(0);
  if (!std::isfinite(here.slope) || !std::isfinite(slope)) return result;
  // At a kink of equal slopes, the branch that the steps are on.
  constexpr double kBesideKink = 0x1p-40;
  const uint64_t branches = here.at_kink ? move(kBesideKink * size).branches : here.branches;
  // The smallest steps on the same branch that are above rounding decide: there a wrong gradient
  // shows most.
  double last = 0;            // remainder, 0 if there is none on this branch yet
  double error_of_slope = 0;  // as the last two steps show it, the larger
  int linear_steps = 0;       // the last ones
  bool is_rounding = false;
  bool moves = false;
  double step = kFirstStep * size;
  for (int i = 1; i < kTaylorReadings && !is_rounding; ++i, step /= kShrink) {
    const Reading reading = move(step);
    if (reading.branches != branches || !std::isfinite(reading.rise)) {
      last = 0;
      continue;
    }
    const double remainder = std::abs(reading.rise - step * slope);
    const double magnitude = reading.magnitude + std::abs(step * slope);
    const double rounding = kAboveRounding * magnitude + kAboveNoise * noise;
    moves = moves || reading.moves();
    result.smallest_error = rounding / step;
    is_rounding = remainder <= rounding;
    if (!is_rounding) {
      if (last > 0) result.order = std::log(last / remainder) / std::log(kShrink);
      linear_steps = last > 0 && result.order <= kWrongOrder ? linear_steps + 1 : 0;
      error_of_slope = std::max(remainder, last / kShrink) / step;
    }
    last = remainder;
  }
  if (!std::isfinite(result.smallest_error)) return result;
  // To the last digit: it does not depend on what moves.
  if (!moves && slope == 0) return {Outcome::kRight, 0, 0};
  const double allowed = relative * scale;
  const bool falls_fast = result.order >= kRightOrder && result.smallest_error <= kSeen * scale;
  const bool is_straight = result.order == 0 && is_rounding && result.smallest_error <= allowed;
  if (falls_fast || is_straight || (result.order > 0 && error_of_slope <= allowed)) {
    result.outcome = Outcome::kRight;
  } else if (linear_steps >= kWrongSteps) {
    result.outcome = Outcome::kWrong;
  }
  return result;
}

}  // namespace gradus
