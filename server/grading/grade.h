#ifndef GRADUS_SERVER_GRADING_GRADE_H_
#define GRADUS_SERVER_GRADING_GRADE_H_

#include <atomic>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "gradus/v1/grading_service.pb.h"
#include "server/engine/limits.h"
#include "server/grading/assignment.h"

namespace gradus {

// Answers a Grade request: compiles the assignment, judges the submission, cuts the report to the
// least of the assignment's and the caller's feedback level. A wrong answer is a result; errors are
// those of the request, with paths relative to the Assignment, or `submission...`.
absl::Status Grade(const v1::GradeRequest& request, const Limits& limits,
                   const std::atomic<bool>& cancelled, v1::GradeResponse* response);

// The assignment of a stream of submissions. Errors are those of the header, with paths
// `header...`, or of the assignment, with paths relative to it as everywhere.
absl::StatusOr<CompiledAssignment> CompileHeader(const v1::GradeStreamHeader& header,
                                                 const Limits& limits,
                                                 const std::atomic<bool>& cancelled);

// Grades one submission. The report is cut to the least of the assignment's feedback level and
// `max_level`, where unspecified is no further limit. Errors have paths `submission...`; or
// CANCELLED.
absl::StatusOr<v1::GradeReport> GradeOne(const CompiledAssignment& assignment,
                                         const v1::Submission& submission,
                                         v1::FeedbackLevel max_level,
                                         const std::atomic<bool>& cancelled);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_GRADE_H_
