#ifndef GRADUS_SERVER_OPS_LOGISTIC_H_
#define GRADUS_SERVER_OPS_LOGISTIC_H_

#include <cmath>

#include "server/tensor/scalar.h"

namespace gradus {

// 1 / (1 + exp(-z)), with all its digits in both tails; 1 minus it is Logistic(-z).
template <class T>
T Logistic(const T& z) {
  using std::exp;
  // Both are the same function, so this is no kink. The first one has no exponential that
  // overflows, which would make a derivative NaN; the second one names z once, which makes a
  // narrower interval.
  constexpr double kFarBelow = -30;
  if (PlainValue(z) < kFarBelow) {
    const T power = exp(z);
    return power / (T(1) + power);
  }
  return T(1) / (T(1) + exp(-z));
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_LOGISTIC_H_
