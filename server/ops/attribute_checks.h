#ifndef GRADUS_SERVER_OPS_ATTRIBUTE_CHECKS_H_
#define GRADUS_SERVER_OPS_ATTRIBUTE_CHECKS_H_

#include <string_view>

#include "absl/status/status.h"

namespace gradus {

// Ranges of attributes. Each is a FieldError at `field`, relative to the node, if `value` lies
// outside; NaN always does.

// Finite.
absl::Status CheckFinite(std::string_view field, double value);
// Finite and greater than 0.
absl::Status CheckPositive(std::string_view field, double value);
// Finite and at least 0.
absl::Status CheckNotNegative(std::string_view field, double value);
// From `low` to `high`, both of which are allowed.
absl::Status CheckFromTo(std::string_view field, double value, double low, double high);

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_ATTRIBUTE_CHECKS_H_
