#ifndef GRADUS_SERVER_OPTIMIZERS_RANGE_H_
#define GRADUS_SERVER_OPTIMIZERS_RANGE_H_

#include <string>

#include "absl/status/status.h"

namespace gradus {

// A FieldError at `field` unless a number is finite and in the range.
absl::Status CheckAboveZero(double value, std::string field);
absl::Status CheckAtLeastZero(double value, std::string field);
// From 0 up to, not including, 1.
absl::Status CheckBelowOne(double value, std::string field);

// The first of them that is an error.
template <class... Statuses>
absl::Status FirstError(absl::Status first, Statuses... others) {
  if constexpr (sizeof...(others) == 0) {
    return first;
  } else {
    return first.ok() ? FirstError(std::move(others)...) : first;
  }
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPTIMIZERS_RANGE_H_
