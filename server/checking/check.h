#ifndef GRADUS_SERVER_CHECKING_CHECK_H_
#define GRADUS_SERVER_CHECKING_CHECK_H_

#include <atomic>

#include "absl/status/status.h"

#include "gradus/v1/gradient_service.pb.h"
#include "server/engine/graph_cache.h"
#include "server/engine/limits.h"

namespace gradus {

// Answers a Check request; on an error the contents of the response mean nothing. Errors are
// FieldErrors, with paths relative to the Problem, or to the request for what else it holds;
// CANCELLED soon after `cancelled` becomes true. `graphs` may be null; else the network's graph is
// looked up there.
absl::Status Check(const v1::CheckRequest& request, const Limits& limits,
                   const std::atomic<bool>& cancelled, v1::CheckResponse* response,
                   GraphCache* graphs = nullptr);

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_CHECK_H_
