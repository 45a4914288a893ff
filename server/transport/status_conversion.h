#ifndef GRADUS_SERVER_TRANSPORT_STATUS_CONVERSION_H_
#define GRADUS_SERVER_TRANSPORT_STATUS_CONVERSION_H_

#include "absl/status/status.h"
#include <grpcpp/support/status.h>

namespace gradus {

// The same status for gRPC: the only place where the two types meet. A FieldError carries a
// google.rpc.Status in its details, with a BadRequest (field and description) and an ErrorInfo
// (reason, domain "gradus.v1").
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_STATUS_CONVERSION_H_
