#ifndef GRADUS_SERVER_GRADING_LINT_H_
#define GRADUS_SERVER_GRADING_LINT_H_

#include <atomic>

#include "absl/status/status.h"

#include "gradus/v1/grading_service.pb.h"
#include "server/engine/limits.h"

namespace gradus {

// Answers a LintAssignment request: compiles the assignment, writes papers that are wrong in known
// ways, grades them, and reports what would be accepted (grading_service.proto). The findings tell
// of the key what they must: they are for staff.
//
// Errors are those of the assignment, with paths relative to it; or CANCELLED. It grades no more
// papers than Limits::max_flops allows.
absl::Status Lint(const v1::LintAssignmentRequest& request, const Limits& limits,
                  const std::atomic<bool>& cancelled, v1::LintAssignmentResponse* response);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_LINT_H_
