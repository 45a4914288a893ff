#ifndef GRADUS_SERVER_OPS_EXPONENTIAL_LINEAR_H_
#define GRADUS_SERVER_OPS_EXPONENTIAL_LINEAR_H_

#include <cmath>

#include "server/tensor/scalar.h"

namespace gradus {

// z, but for an interval only its part up to 0. No Min, which would be a kink.
template <class T>
T UpToZero(const T& z) {
  return z;
}
inline Interval UpToZero(const Interval& z) { return Min(z, Interval(0)); }

// z where z > 0, else alpha (exp(z) - 1). At z = 0 the latter counts; for alpha = 1 both sides have
// the same slope there, and a dual number sees no kink.
template <class T>
T ExponentialLinear(double alpha, const T& z) {
  using std::expm1;
  return SelectPositive(z, Max(z, T(0)), T(alpha) * expm1(UpToZero(z)));
}

// Its slope.
template <class T>
T ExponentialLinearSlope(double alpha, const T& z) {
  using std::exp;
  return SelectPositive(z, T(1), T(alpha) * exp(Min(z, T(0))));
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_EXPONENTIAL_LINEAR_H_
