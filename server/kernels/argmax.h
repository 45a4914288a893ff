#ifndef GRADUS_SERVER_KERNELS_ARGMAX_H_
#define GRADUS_SERVER_KERNELS_ARGMAX_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "server/tensor/scalar.h"

namespace gradus {

// The largest of one or more numbers; NaN if any is. It has a kink at a tie, where the first of the
// largest counts.
template <class T>
T Largest(std::span<const T> values) {
  T largest = values[0];
  for (const T& value : values.subspan(1)) largest = Max(largest, value);
  return largest;
}

namespace internal {

// `if_greater` where a > b, else `otherwise`: the branch that Max(b, a) takes. Not by the sign of
// a - b, as infinities tie too.
template <class T>
T SelectGreater(const T& a, const T& b, const T& if_greater, const T& otherwise) {
  return a <= b || b != b ? otherwise : if_greater;
}
inline Interval SelectGreater(const Interval& a, const Interval& b, const Interval& if_greater,
                              const Interval& otherwise) {
  if (a.lo() > b.hi()) return if_greater;
  if (a.hi() < b.lo()) return otherwise;
  return {std::min(if_greater.lo(), otherwise.lo()), std::max(if_greater.hi(), otherwise.hi())};
}

}  // namespace internal

// The derivatives of Largest with respect to each number: 1 for the first of the largest, 0 for the
// others. Each of several intervals that overlap gets what it may have, within 0 to 1.
//
// A number counts if it takes the lead and none after it does. Both are 1 or 0, and the smaller of
// two such numbers is their product, without rounding.
template <class T>
void LargestWeights(std::span<const T> values, std::vector<T>& weights) {
  weights.resize(values.size());
  // At first, the largest of the numbers before each.
  T largest = values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    weights[i] = largest;
    largest = Max(largest, values[i]);
  }
  T stays = T(1);
  for (size_t i = values.size() - 1; i > 0; --i) {
    const T before = weights[i];
    weights[i] = Min(stays, internal::SelectGreater(values[i], before, T(1), T(0)));
    stays = Min(stays, internal::SelectGreater(values[i], before, T(0), T(1)));
  }
  weights[0] = stays;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_ARGMAX_H_
