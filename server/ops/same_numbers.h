#ifndef GRADUS_SERVER_OPS_SAME_NUMBERS_H_
#define GRADUS_SERVER_OPS_SAME_NUMBERS_H_

#include <string_view>

#include "server/kernels/interruption.h"
#include "server/ops/op.h"

namespace gradus {

// What ops have in common whose output has the operand's numbers, in the same order. They add kCase
// and InferShape.
struct SameNumbers : OpBase {
  static constexpr std::string_view kFormula = "y = x in another shape";
  static constexpr std::string_view kVjp = "grad(x) = u in the shape of x";
  static constexpr std::string_view kOperands[] = {"input"};

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    ForEachIndex(output.size(), [&](int64_t i) { output[i] = call[0][i]; });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    ForEachIndex(gradient.size(), [&](int64_t i) { gradient[i] += call.upstream[i]; });
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_SAME_NUMBERS_H_
