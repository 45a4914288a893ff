#ifndef GRADUS_SERVER_CHECKING_FORWARD_MODE_H_
#define GRADUS_SERVER_CHECKING_FORWARD_MODE_H_

#include <concepts>

#include "server/checking/estimate.h"
#include "server/checking/probe.h"

namespace gradus {

// The derivative from dual numbers: exact but for rounding, whose error is left to the caller to
// judge. `move(step)` is a reading of the probe; `size` is that of what moves. Where the point is a
// kink, `value` is the subgradient that the ops document, and both slopes are given.
//
// One reading, three at a kink.
template <std::invocable<double> Move>
Estimate ForwardMode(Move move, double size) {
  const Reading here = move(0);
  Estimate estimate = {here.slope, 0, std::nullopt};
  if (here.at_kink) {
    const double step = kKinkDistance * size;
    estimate.kink = KinkSlopes{move(-step).slope, move(step).slope};
  }
  return estimate;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_FORWARD_MODE_H_
