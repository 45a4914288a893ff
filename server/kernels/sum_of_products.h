#ifndef GRADUS_SERVER_KERNELS_SUM_OF_PRODUCTS_H_
#define GRADUS_SERVER_KERNELS_SUM_OF_PRODUCTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "server/kernels/interruption.h"

namespace gradus {

// One loop of a nest: how often it runs, and how far it takes each factor, and last the sum, with
// every round.
struct Loop {
  int64_t length;
  std::vector<int64_t> strides;
};

// sum[...] += product of all factors[...] in the innermost of some loops, the last of which runs
// fastest. Loops of length 1 cost without use: leave them out.
template <class T>
void SumOfProductsAdd(std::span<const Loop> loops, std::span<const T* const> factors, T* sum) {
  std::vector<int64_t> at(factors.size() + 1);
  std::vector<int64_t> round(loops.size());
  const auto steps_per_round = static_cast<int64_t>(2 * at.size());
  while (!Interrupted(steps_per_round)) {
    T product = factors[0][at[0]];
    for (size_t i = 1; i < factors.size(); ++i) product *= factors[i][at[i]];
    sum[at.back()] += product;

    size_t loop = loops.size();
    while (loop > 0) {
      const Loop& turning = loops[--loop];
      for (size_t i = 0; i < at.size(); ++i) at[i] += turning.strides[i];
      if (++round[loop] < turning.length) break;
      for (size_t i = 0; i < at.size(); ++i) at[i] -= turning.strides[i] * turning.length;
      round[loop] = 0;
      if (loop == 0) return;
    }
    if (loops.empty()) return;
  }
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_SUM_OF_PRODUCTS_H_
