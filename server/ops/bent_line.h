#ifndef GRADUS_SERVER_OPS_BENT_LINE_H_
#define GRADUS_SERVER_OPS_BENT_LINE_H_

#include "server/tensor/scalar.h"

namespace gradus {

// `line(|r|)` where |r| > limit, else `within`: a loss that is straight far from 0. The two meet
// there with one slope, so this is no kink; and |r| is not formed near 0, where it would be one.
template <class T, class F>
T BentLine(const T& r, double limit, const T& within, F line) {
  return SelectPositive(r - T(limit), line(r), SelectPositive(-r - T(limit), line(-r), within));
}

// r limited to -limit ... limit.
template <class T>
T LimitMagnitude(const T& r, double limit) {
  return Max(T(-limit), Min(T(limit), r));
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_BENT_LINE_H_
