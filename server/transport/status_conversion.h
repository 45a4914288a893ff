#ifndef GRADUS_SERVER_TRANSPORT_STATUS_CONVERSION_H_
#define GRADUS_SERVER_TRANSPORT_STATUS_CONVERSION_H_

#include <string_view>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include <grpcpp/support/status.h>

namespace gradus {

// An error, other than a FieldError, with a reason for programs: "ROLE_FORBIDDEN".
absl::Status WithReason(absl::Status status, std::string_view reason);

// The same status as a message, for results that travel inside a response. A FieldError has a
// BadRequest (field and description) and an ErrorInfo (reason, domain "gradus.v1") in its details,
// an error WithReason the latter only.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The same status for gRPC: the only place where the two types meet. What has details
// carries the message that ToRpcStatus makes of it.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_STATUS_CONVERSION_H_
