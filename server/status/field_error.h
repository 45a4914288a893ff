#ifndef GRADUS_SERVER_STATUS_FIELD_ERROR_H_
#define GRADUS_SERVER_STATUS_FIELD_ERROR_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gradus {

// Why a request was refused, for programs. Stable: clients may switch on it.
enum class Reason {
  kMissingField,
  kInvalidValue,
  kUnknownName,
  kDuplicateName,
  kUnknownOp,
  kCycle,
  kShapeMismatch,
  kValueCount,
  kNonFiniteInput,
  kLimitExceeded,
  kNotFound,
};

// UPPER_SNAKE_CASE, as google.rpc.ErrorInfo.reason wants it: "SHAPE_MISMATCH".
std::string_view ReasonName(Reason reason);

// A mistake in one field of what a client sent.
struct FieldViolation {
  std::string field;    // path: "network.nodes[3].inputs[1]"
  std::string subject;  // name of the thing at that path, or empty: "fc2"
  Reason reason = Reason::kInvalidValue;
  std::string description;  // both sides of the conflict, and the way out
};

// The status of a violation: INVALID_ARGUMENT, or NOT_FOUND for kNotFound, which is about what the
// server holds. Its message
// reads `network.nodes[3] 'fc2': input has 128 features, weight expects 64 (shape [10, 64])`.
absl::Status FieldError(const FieldViolation& violation);

// Shorthand without a subject.
absl::Status FieldError(std::string field, Reason reason, std::string description);

// The violation inside a status that FieldError made; nullopt for any other status.
std::optional<FieldViolation> GetFieldViolation(const absl::Status& status);

// The same error seen from outside: `prefix` goes before the path, and `subject`, unless empty,
// names the thing. A status that FieldError did not make is returned as it is.
absl::Status WithFieldPrefix(const absl::Status& status, std::string_view prefix,
                             std::string_view subject = "");

}  // namespace gradus

#endif  // GRADUS_SERVER_STATUS_FIELD_ERROR_H_
