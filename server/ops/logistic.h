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

// log(1 + exp(z)), without overflow. Its derivative is Logistic(z).
template <class T>
T SoftPlus(const T& z) {
  using std::exp;
  using std::log1p;
  // Both are the same function, so this is no kink.
  constexpr double kLarge = 30;
  return PlainValue(z) > kLarge ? z + log1p(exp(-z)) : log1p(exp(z));
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_LOGISTIC_H_
