#ifndef GRADUS_SERVER_OPS_BOUNDS_H_
#define GRADUS_SERVER_OPS_BOUNDS_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"

#include "server/tensor/scalar.h"

namespace gradus {

// The range that a number is limited to. Without a bound it is open on that side.
struct Bounds {
  std::optional<double> min;
  std::optional<double> max;
};

// A FieldError unless the bounds are finite and min < max. `path` is that of the attributes `min`
// and `max`: "clip".
absl::Status CheckBounds(const Bounds& bounds, std::string_view path);

// x, or the bound that it lies beyond. At a bound the bound counts, which does not move.
template <class T>
T Limit(const Bounds& bounds, const T& x) {
  T limited = x;
  if (bounds.min.has_value()) limited = Max(T(*bounds.min), limited);
  if (bounds.max.has_value()) limited = Min(T(*bounds.max), limited);
  return limited;
}

// The derivative of Limit: 1 strictly between the bounds, else 0.
template <class T>
T LimitDerivative(const Bounds& bounds, const T& x) {
  T derivative = T(1);
  if (bounds.min.has_value()) derivative = SelectPositive(x - T(*bounds.min), derivative, T(0));
  if (bounds.max.has_value()) derivative = SelectPositive(T(*bounds.max) - x, derivative, T(0));
  return derivative;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_BOUNDS_H_
