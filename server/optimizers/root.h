#ifndef GRADUS_SERVER_OPTIMIZERS_ROOT_H_
#define GRADUS_SERVER_OPTIMIZERS_ROOT_H_

#include <cmath>
#include <string>

#include "absl/status/status.h"

#include "fmt/format.h"
#include "gradus/v1/convention.pb.h"
#include "server/status/field_error.h"

namespace gradus {

// The denominator of an adaptive update: sqrt(v) + epsilon, or sqrt(v + epsilon) where `placement`
// says so.
template <class T>
T Root(const T& v, double denominator_epsilon, v1::EpsilonPlacement placement) {
  using std::sqrt;
  if (placement == v1::EPSILON_PLACEMENT_INSIDE_ROOT) return sqrt(v + T(denominator_epsilon));
  return sqrt(v) + T(denominator_epsilon);
}

inline absl::Status CheckPlacement(v1::EpsilonPlacement placement, std::string field) {
  if (v1::EpsilonPlacement_IsValid(placement)) return absl::OkStatus();
  return FieldError(std::move(field), Reason::kInvalidValue,
                    fmt::format("{} is no placement", static_cast<int>(placement)));
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPTIMIZERS_ROOT_H_
