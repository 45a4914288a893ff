#ifndef GRADUS_SERVER_CHECKING_TAYLOR_H_
#define GRADUS_SERVER_CHECKING_TAYLOR_H_

#include <functional>

#include "server/checking/probe.h"

namespace gradus {

// How the remainder |f(x + h d) - f(x) - h g.d| of Taylor's formula falls with the step h.
struct TaylorOrder {
  enum class Outcome {
    kRight,      // with h^2 or faster, or there is nothing but rounding
    kWrong,      // with h
    kUndecided,  // neither; or a kink is near, or a number is not finite
  };
  Outcome outcome;
  double order;  // the power of h, about 2 or 1; 0 if the remainder is nothing but rounding
  double smallest_error;  // of g.d that the smallest step could have shown
};

// `slope` is g.d, the product of the gradient to be checked with the direction; `move(h)` is a
// reading of the probe along the direction; `size` is that of what moves. At most 15 readings.
TaylorOrder MeasureTaylorOrder(const std::function<Reading(double)>& move, double slope,
                               double size);

inline constexpr int kMaxTaylorReadings = 15;

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_TAYLOR_H_
