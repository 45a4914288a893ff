#include "server/checking/finite_difference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace gradus {
namespace {

constexpr size_t kSteps = 4;
// The first step, and what it is divided by as long as a kink lies within it.
constexpr double kFirstStep = 0x1p-7;
constexpr double kShrink = 8;

struct Difference {
  Reading low;
  Reading high;
  double step;

  // Neither end sees another branch than the point itself.
  bool IsSmooth(const Reading& here) const {
    return low.branches == here.branches && high.branches == here.branches;
  }
  double quotient() const { return (high.rise - low.rise) / (2 * step); }
  double rounding() const {
    return std::numeric_limits<double>::epsilon() * std::max(low.magnitude, high.magnitude) / step;
  }
};

}  // namespace

Estimate CentralDifference(const std::function<Reading(double)>& move, double size) {
  const auto difference = [&](double step) { return Difference{move(-step), move(step), step}; };
  const Reading here = move(0);
  double step = kFirstStep * size;
  Difference first = difference(step);
  while (!first.IsSmooth(here) && step > kKinkDistance * size) {
    step /= kShrink;
    first = difference(step);
  }
  if (!first.IsSmooth(here)) {
    return {first.quotient(), std::numeric_limits<double>::infinity(),
            KinkSlopes{first.low.slope, first.high.slope}};
  }

  // Each further column removes a power of the step from the error; the entry that moved least from
  // its neighbours is the answer, and how far it moved its error.
  std::array<std::array<double, kSteps>, kSteps> tableau;
  Estimate best = {first.quotient(), std::numeric_limits<double>::infinity(), std::nullopt};
  double rounding = 0;
  for (size_t row = 0; row < kSteps; ++row, step /= 2) {
    const Difference d = row == 0 ? first : difference(step);
    tableau[row][0] = d.quotient();
    rounding = d.rounding();
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
  return best;
}

}  // namespace gradus
