#ifndef GRADUS_SERVER_OPS_DOCUMENTATION_H_
#define GRADUS_SERVER_OPS_DOCUMENTATION_H_

#include "absl/status/status.h"

#include "gradus/v1/gradient_service.pb.h"

namespace gradus {

// Answers a ListOps request: formulas from the table of ops, shapes and attributes from the
// comments of the contract, each where it is written once. NOT_FOUND for a name that is no op.
absl::Status ListOps(const v1::ListOpsRequest& request, v1::ListOpsResponse* response);

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_DOCUMENTATION_H_
