#include "server/optimizers/range.h"

#include <cmath>
#include <utility>

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

absl::Status OutOfRange(double value, std::string field, const char* range) {
  return FieldError(std::move(field), Reason::kInvalidValue,
                    fmt::format("{} is not {}", value, range));
}

}  // namespace

absl::Status CheckAboveZero(double value, std::string field) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return OutOfRange(value, std::move(field), "a finite number above 0");
}

absl::Status CheckAtLeastZero(double value, std::string field) {
  if (std::isfinite(value) && value >= 0) return absl::OkStatus();
  return OutOfRange(value, std::move(field), "a finite number of at least 0");
}

absl::Status CheckBelowOne(double value, std::string field) {
  if (value >= 0 && value < 1) return absl::OkStatus();
  return OutOfRange(value, std::move(field), "from 0 up to, not including, 1");
}

}  // namespace gradus
