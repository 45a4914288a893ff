#ifndef GRADUS_SERVER_CHECKING_ESTIMATE_H_
#define GRADUS_SERVER_CHECKING_ESTIMATE_H_

#include <algorithm>
#include <cmath>
#include <concepts>
#include <optional>

#include "server/checking/probe.h"

namespace gradus {

// The slopes on both sides of a kink.
struct KinkSlopes {
  double left;
  double right;

  // Both are the same, but for what a curve turns within the distance: where a function is put
  // together smoothly there is no kink.
  bool are_equal() const {
    constexpr double kTurned = 1e-9;
    return std::abs(left - right) <= kTurned * std::max(std::abs(left), std::abs(right));
  }
};

// A derivative by some method.
struct Estimate {
  double value = 0;  // at a kink the subgradient that the ops document
  double error = 0;  // how far it may be from the truth; infinite if the method cannot tell
  std::optional<KinkSlopes> kink;
};

// The slopes just beside a point, by dual numbers. `move(step)` is a reading of the probe; `size`
// is that of what moves.
template <std::invocable<double> Move>
KinkSlopes SlopesAround(Move move, double size) {
  // Beyond rounding, and so near that a curve hardly turns.
  constexpr double kDistance = 0x1p-40;
  return {move(-kDistance * size).slope, move(kDistance * size).slope};
}

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_ESTIMATE_H_
