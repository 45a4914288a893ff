#ifndef GRADUS_SERVER_CHECKING_FINITE_DIFFERENCE_H_
#define GRADUS_SERVER_CHECKING_FINITE_DIFFERENCE_H_

#include <functional>

#include "server/checking/estimate.h"
#include "server/checking/probe.h"

namespace gradus {

// The derivative by central differences, (f(x + h) - f(x - h)) / 2h, extrapolated over four
// difference steps (Ridders 1982). The first step is a share of `size`, smaller where the function
// takes another branch at x + h or x - h than at x; if it does so however near, the point is a
// kink. The error estimate is what the extrapolation still moved, plus the rounding of the
// differences.
//
// 9 readings, and 2 for each of at most 8 times that the first step must shrink.
Estimate CentralDifference(const std::function<Reading(double)>& move, double size);

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_FINITE_DIFFERENCE_H_
