#ifndef GRADUS_SERVER_GRADING_GRADE_H_
#define GRADUS_SERVER_GRADING_GRADE_H_

#include <atomic>

#include "absl/status/status.h"

#include "gradus/v1/grading_service.pb.h"
#include "server/engine/limits.h"

namespace gradus {

// Answers a Grade request: compiles the assignment, judges the submission, cuts the report to the
// least of the assignment's and the caller's feedback level. A wrong answer is a result; errors are
// those of the request, with paths relative to the Assignment, or `submission...`.
absl::Status Grade(const v1::GradeRequest& request, const Limits& limits,
                   const std::atomic<bool>& cancelled, v1::GradeResponse* response);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_GRADE_H_
