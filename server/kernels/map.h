#ifndef GRADUS_SERVER_KERNELS_MAP_H_
#define GRADUS_SERVER_KERNELS_MAP_H_

#include <cstdint>

#include "server/kernels/interruption.h"
#include "server/tensor/tensor.h"

namespace gradus {

// out[i] = f(x[i]), which may be of another number system. All tensors have equal shapes, here and
// below.
template <class T, class U, class F>
void Map(const Tensor<T>& x, Tensor<U>& out, F f) {
  ForEachIndex(out.size(), [&](int64_t i) { out[i] = f(x[i]); });
}

// out[i] = f(x[i], y[i]).
template <class T, class F>
void Map(const Tensor<T>& x, const Tensor<T>& y, Tensor<T>& out, F f) {
  ForEachIndex(out.size(), [&](int64_t i) { out[i] = f(x[i], y[i]); });
}

// out[i] += f(x[i]).
template <class T, class F>
void MapAdd(const Tensor<T>& x, Tensor<T>& out, F f) {
  ForEachIndex(out.size(), [&](int64_t i) { out[i] += f(x[i]); });
}

// out[i] += f(x[i], y[i]).
template <class T, class F>
void MapAdd(const Tensor<T>& x, const Tensor<T>& y, Tensor<T>& out, F f) {
  ForEachIndex(out.size(), [&](int64_t i) { out[i] += f(x[i], y[i]); });
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_MAP_H_
