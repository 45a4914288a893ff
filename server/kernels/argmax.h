#ifndef GRADUS_SERVER_KERNELS_ARGMAX_H_
#define GRADUS_SERVER_KERNELS_ARGMAX_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "server/kernels/interruption.h"
#include "server/tensor/scalar.h"

namespace gradus {

// The largest of one or more numbers; NaN if any is. It has a kink at a tie, where the first of the
// largest counts.
template <class T>
T Largest(std::span<const T> values) {
  T largest = values[0];
  const std::span<const T> others = values.subspan(1);
  ForEachIndex(std::ssize(others),
               [&](int64_t i) { largest = Max(largest, others[static_cast<size_t>(i)]); });
  return largest;
}

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
  const int64_t others = std::ssize(values) - 1;
  ForEachIndex(others, [&](int64_t k) {
    const auto i = static_cast<size_t>(k) + 1;
    weights[i] = largest;
    largest = Max(largest, values[i]);
  });
  T stays = T(1);
  ForEachIndex(others, [&](int64_t k) {
    const auto i = static_cast<size_t>(others - k);
    const T before = weights[i];
    weights[i] = Min(stays, SelectGreater(values[i], before, T(1), T(0)));
    stays = Min(stays, SelectGreater(values[i], before, T(0), T(1)));
  });
  weights[0] = stays;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_ARGMAX_H_
