#ifndef GRADUS_SERVER_CHECKING_FINITE_DIFFERENCE_H_
#define GRADUS_SERVER_CHECKING_FINITE_DIFFERENCE_H_

#include <functional>

#include "server/checking/estimate.h"
#include "server/checking/probe.h"

namespace gradus {

// The derivative by central differences, (f(x + h) - f(x - h)) / 2h, extrapolated over three
// difference steps (Ridders 1982), for first steps h from a share of `size` down. A smaller step
// overrules a larger one that it does not agree with: the larger one looked at another part of the
// function. The first estimate that a smaller step confirms is the answer, and its error is what
// the extrapolation still moved plus the rounding of the differences; infinite if none is
// confirmed.
//
// Steps that reach another branch than the point's are left out; if all do, the point is a kink,
// unless the slopes on both sides are equal.
//
// `move` is a reading of the probe; `noise` is how far rounding before the objective may take it.
// 13 readings if the first step serves.
Estimate CentralDifference(const std::function<Reading(double)>& move, double size, double noise);

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_FINITE_DIFFERENCE_H_
