#ifndef GRADUS_SERVER_TRANSPORT_STATUS_CONVERSION_H_
#define GRADUS_SERVER_TRANSPORT_STATUS_CONVERSION_H_

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include <grpcpp/support/status.h>

namespace gradus {

// Reasons of errors that are not about a field, beside those of field_error.h. Stable: clients may
// switch on them.
inline constexpr std::string_view kOverloaded = "OVERLOADED";               // no room in the queue
inline constexpr std::string_view kMalformedRequest = "MALFORMED_REQUEST";  // bytes that are none
inline constexpr std::string_view kTokenMissing = "TOKEN_MISSING";
inline constexpr std::string_view kTokenInvalid = "TOKEN_INVALID";
inline constexpr std::string_view kTokenExpired = "TOKEN_EXPIRED";
inline constexpr std::string_view kRoleForbidden = "ROLE_FORBIDDEN";
inline constexpr std::array kCallReasons = {kOverloaded,   kMalformedRequest, kTokenMissing,
                                            kTokenInvalid, kTokenExpired,     kRoleForbidden};

// An error, other than a FieldError, with one of these reasons.
absl::Status WithReason(absl::Status status, std::string_view reason);

// The reason of an error for programs, logs and metrics: that of WithReason or of FieldError; empty
// if there is no more to say than the code.
std::string ReasonOf(const absl::Status& status);

// An error never has more bytes than these as a google.rpc.Status: gRPC loses one of some 8 KB on
// the way, and the client sees RESOURCE_EXHAUSTED instead. What is longer is cut.
inline constexpr size_t kMaxErrorBytes = 4096;

// The same status as a message, for results that travel inside a response. A FieldError has a
// BadRequest (field and description) and an ErrorInfo (reason, domain "gradus.v1") in its details,
// an error WithReason the latter only.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The same status for gRPC: the only place where the two types meet. What has details
// carries the message that ToRpcStatus makes of it.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_STATUS_CONVERSION_H_
