#include "server/ops/bounds.h"

#include "fmt/format.h"
#include "server/ops/attribute_checks.h"
#include "server/status/field_error.h"

namespace gradus {

absl::Status CheckBounds(const Bounds& bounds, std::string_view path) {
  const auto check_finite = [&](const std::optional<double>& bound, std::string_view name) {
    return CheckFinite(fmt::format("{}.{}", path, name), bound.value_or(0));
  };
  if (absl::Status status = check_finite(bounds.min, "min"); !status.ok()) return status;
  if (absl::Status status = check_finite(bounds.max, "max"); !status.ok()) return status;
  if (bounds.min.has_value() && bounds.max.has_value() && *bounds.min >= *bounds.max) {
    return FieldError(fmt::format("{}.min", path), Reason::kInvalidValue,
                      fmt::format("{} is not less than max, {}", *bounds.min, *bounds.max));
  }
  return absl::OkStatus();
}

}  // namespace gradus
