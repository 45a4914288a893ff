#ifndef GRADUS_SERVER_CHECKING_FORWARD_MODE_H_
#define GRADUS_SERVER_CHECKING_FORWARD_MODE_H_

#include <concepts>

#include "server/checking/estimate.h"
#include "server/checking/probe.h"

namespace gradus {

// The derivative from dual numbers: exact but for rounding, whose error is left to the caller to
// judge. `move` and `size` as in SlopesAround. One reading, three at a kink.
template <std::invocable<double> Move>
Estimate ForwardMode(Move move, double size) {
  const Reading here = move(0);
  Estimate estimate = {here.slope, 0, std::nullopt};
  if (here.at_kink) {
    const KinkSlopes slopes = SlopesAround(move, size);
    if (!slopes.are_equal()) estimate.kink = slopes;
  }
  return estimate;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_FORWARD_MODE_H_
