#include "server/checking/taylor.h"

#include <cmath>
#include <limits>
#include <optional>

namespace gradus {

TaylorOrder MeasureTaylorOrder(const std::function<Reading(double)>& move, double slope,
                               double size) {
  using Outcome = TaylorOrder::Outcome;
  constexpr double kFirstStep = 0x1p-4;
  constexpr double kShrink = 4;
  // A remainder counts while it is well above the rounding of the numbers that it is made of.
  constexpr double kAboveRounding = 100 * std::numeric_limits<double>::epsilon();
  constexpr double kRightOrder = 1.7;
  constexpr double kWrongOrder = 1.3;

  const Reading here = move(0);
  if (here.at_kink || !std::isfinite(here.slope) || !std::isfinite(slope)) {
    return {Outcome::kUndecided, 0, std::numeric_limits<double>::infinity()};
  }
  // The smallest steps on the same branch that are above rounding decide: there a wrong gradient
  // shows most.
  std::optional<double> last;
  double order = 0;
  bool is_rounding = false;
  double smallest_error = std::numeric_limits<double>::infinity();
  double step = kFirstStep * size;
  for (int i = 1; i < kMaxTaylorReadings && !is_rounding; ++i, step /= kShrink) {
    const Reading reading = move(step);
    if (reading.branches != here.branches || !std::isfinite(reading.rise)) {
      last.reset();
      continue;
    }
    const double remainder = std::abs(reading.rise - step * slope);
    const double rounding = kAboveRounding * (reading.magnitude + std::abs(step * slope));
    smallest_error = rounding / step;
    is_rounding = remainder <= rounding;
    if (!is_rounding && last.has_value()) order = std::log(*last / remainder) / std::log(kShrink);
    last = remainder;
  }
  // Down at the rounding without a second remainder above it: f is a straight line, as far as can
  // be seen.
  if (order >= kRightOrder || (order == 0 && is_rounding)) {
    return {Outcome::kRight, order, smallest_error};
  }
  if (order > 0 && order <= kWrongOrder) return {Outcome::kWrong, order, smallest_error};
  return {Outcome::kUndecided, order, smallest_error};
}

}  // namespace gradus
