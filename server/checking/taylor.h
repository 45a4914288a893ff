#ifndef GRADUS_SERVER_CHECKING_TAYLOR_H_
#define GRADUS_SERVER_CHECKING_TAYLOR_H_

#include <functional>

#include "server/checking/probe.h"

namespace gradus {

// How the remainder |f(x + h d) - f(x) - h g.d| of Taylor's formula falls with the step h.
struct TaylorOrder {
  enum class Outcome {
    kRight,      // with h^2 or faster; or g.d is within what is allowed
    kWrong,      // with h
    kUndecided,  // neither, or what is allowed is too small to be seen, or a number is not finite
  };
  Outcome outcome;
  double order;  // the power of h, about 2 or 1; 0 if the remainder is nothing but rounding
  double smallest_error;  // of g.d that the smallest step could have shown
};

// `slope` is g.d, the product of the gradient to be checked with the direction; it may be off by
// the share `relative` of `scale`, the size of the terms that it is a sum of. `move(h)` is a
// reading of the probe along the direction, at no kink of two slopes; `size` is that of what moves;
// `noise` is how far rounding before the objective may take a reading.
TaylorOrder MeasureTaylorOrder(const std::function<Reading(double)>& move, double slope,
                               double scale, double relative, double size, double noise);

// Readings that it takes at most.
inline constexpr int kTaylorReadings = 16;

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_TAYLOR_H_
