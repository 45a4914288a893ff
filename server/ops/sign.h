#ifndef GRADUS_SERVER_OPS_SIGN_H_
#define GRADUS_SERVER_OPS_SIGN_H_

#include "server/tensor/scalar.h"

namespace gradus {

// The slope of Absolute: 1 for x > 0, -1 for x < 0, and 0 at the kink x = 0.
template <class T>
T Sign(const T& x) {
  return SelectPositive(x, T(1), SelectPositive(-x, T(-1), T(0)));
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_SIGN_H_
