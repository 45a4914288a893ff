#ifndef GRADUS_SERVER_OPTIMIZERS_COMMON_H_
#define GRADUS_SERVER_OPTIMIZERS_COMMON_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "absl/status/status.h"

#include "gradus/v1/optimizer.pb.h"
#include "server/kernels/interruption.h"
#include "server/tensor/scalar.h"
#include "server/tensor/tensor.h"

namespace gradus {

// What surrounds every rule: weight decay, clipping and the schedule. The formulas are in
// optimizer.proto.

// A FieldError relative to the Optimizer if one of them is out of range.
absl::Status ValidateCommon(const v1::Optimizer& optimizer);

// The learning rate of update `update`, from 1 on, given that of the rule.
double ScheduledLearningRate(const v1::LearningRateSchedule& schedule, double learning_rate,
                             int64_t update);

// What gradients are multiplied by so that their common Euclidean norm is at most `limit`. Computed
// in units of the largest element, so that no square overflows.
template <class T>
T ScaleToNorm(std::span<const Tensor<T>* const> gradients, double limit) {
  using std::sqrt;
  double unit = 0;
  for (const Tensor<T>* gradient : gradients) {
    ForEachIndex(gradient->size(),
                 [&](int64_t i) { unit = std::max(unit, std::abs(PlainValue((*gradient)[i]))); });
  }
  if (unit == 0) return T(1);
  T sum = T(0);
  for (const Tensor<T>* gradient : gradients) {
    ForEachIndex(gradient->size(), [&](int64_t i) { sum += Square((*gradient)[i] / T(unit)); });
  }
  const T norm = sqrt(sum);
  const T limit_in_units = T(limit / unit);
  return SelectPositive(norm - limit_in_units, limit_in_units / norm, T(1));
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPTIMIZERS_COMMON_H_
