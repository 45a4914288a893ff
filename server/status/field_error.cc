#include "server/status/field_error.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_split.h"

#include "fmt/format.h"
#include "server/status/text.h"

namespace gradus {
namespace {

constexpr std::array<std::string_view, 11> kReasonNames = {
    "MISSING_FIELD",  "INVALID_VALUE", "UNKNOWN_NAME",     "DUPLICATE_NAME", "UNKNOWN_OP", "CYCLE",
    "SHAPE_MISMATCH", "VALUE_COUNT",   "NON_FINITE_INPUT", "LIMIT_EXCEEDED", "NOT_FOUND",
};

// Type of the payload that carries a violation inside a status, its parts separated by '\0', which
// no path, name or description holds.
constexpr char kPayloadType[] = "gradus.v1/field_violation";

// Longer parts are cut, so that the details stay below 4 KiB: an error of more than about 7 KB does
// not reach the client.
constexpr size_t kMaxFieldLength = 256;
constexpr size_t kMaxSubjectLength = 128;
constexpr size_t kMaxDescriptionLength = 1000;

}  // namespace

std::string_view ReasonName(Reason reason) { return kReasonNames.at(static_cast<size_t>(reason)); }

absl::Status FieldError(const FieldViolation& violation) {
  const FieldViolation v = {Printable(violation.field, kMaxFieldLength),
                            Printable(violation.subject, kMaxSubjectLength), violation.reason,
                            Printable(violation.description, kMaxDescriptionLength)};
  const std::string place =
      v.subject.empty() ? v.field : fmt::format("{} '{}'", v.field, v.subject);
  absl::Status status(v.reason == Reason::kNotFound ? absl::StatusCode::kNotFound
                                                    : absl::StatusCode::kInvalidArgument,
                      place.empty() ? v.description : fmt::format("{}: {}", place, v.description));
  status.SetPayload(kPayloadType,
                    absl::Cord(fmt::format("{}{}{}{}{}{}{}", v.field, '\0', v.subject, '\0',
                                           static_cast<int>(v.reason), '\0', v.description)));
  return status;
}

absl::Status FieldError(std::string field, Reason reason, std::string description) {
  return FieldError({std::move(field), "", reason, std::move(description)});
}

std::optional<FieldViolation> GetFieldViolation(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadType);
  if (!payload.has_value()) return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(std::string(*payload), '\0');
  return FieldViolation{parts[0], parts[1], static_cast<Reason>(std::stoi(parts[2])), parts[3]};
}

absl::Status WithFieldPrefix(const absl::Status& status, std::string_view prefix,
                             std::string_view subject) {
  std::optional<FieldViolation> violation = GetFieldViolation(status);
  if (!violation.has_value()) return status;
  violation->field = violation->field.empty() ? std::string(prefix)
                     : prefix.empty()         ? violation->field
                                              : fmt::format("{}.{}", prefix, violation->field);
  if (!subject.empty()) violation->subject = std::string(subject);
  return FieldError(*violation);
}

}  // namespace gradus
