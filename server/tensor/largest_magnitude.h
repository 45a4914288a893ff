#ifndef GRADUS_SERVER_TENSOR_LARGEST_MAGNITUDE_H_
#define GRADUS_SERVER_TENSOR_LARGEST_MAGNITUDE_H_

#include <algorithm>
#include <cmath>

#include "server/tensor/tensor.h"

namespace gradus {

// The largest magnitude among the finite numbers of a tensor; 0 if there are none.
inline double LargestMagnitude(const Tensor<double>& tensor) {
  double largest = 0;
  for (const double x : tensor.values()) {
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  }
  return largest;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_TENSOR_LARGEST_MAGNITUDE_H_
