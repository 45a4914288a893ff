#include "server/ops/attribute_checks.h"

#include <cmath>
#include <string>

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {

absl::Status CheckFinite(std::string_view field, double value) {
  if (std::isfinite(value)) return absl::OkStatus();
  return FieldError(std::string(field), Reason::kInvalidValue,
                    fmt::format("{} is not finite", value));
}

absl::Status CheckPositive(std::string_view field, double value) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return FieldError(std::string(field), Reason::kInvalidValue,
                    fmt::format("{} is not a finite number above 0", value));
}

absl::Status CheckNotNegative(std::string_view field, double value) {
  if (std::isfinite(value) && value >= 0) return absl::OkStatus();
  return FieldError(std::string(field), Reason::kInvalidValue,
                    fmt::format("{} is not a finite number, 0 or more", value));
}

absl::Status CheckFromTo(std::string_view field, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return FieldError(std::string(field), Reason::kInvalidValue,
                    fmt::format("{} is not from {} to {}", value, low, high));
}

}  // namespace gradus
