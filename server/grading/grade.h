#ifndef GRADUS_SERVER_GRADING_GRADE_H_
#define GRADUS_SERVER_GRADING_GRADE_H_

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "gradus/v1/grading_service.pb.h"
#include "server/engine/limits.h"
#include "server/grading/assignment.h"
#include "server/grading/assignment_store.h"

namespace gradus {

// The lower of two limits of what may be told, where unspecified is no limit.
v1::FeedbackLevel LowerLevel(v1::FeedbackLevel a, v1::FeedbackLevel b);

// Answers a Grade request: compiles the assignment, or takes one of `assignments`, judges the
// submission, cuts the report to the least of the feedback levels of the assignment, the request
// and `max_level`, the caller's. A wrong answer is a result; errors are those of the request, with
// paths relative to the Assignment, or `submission...`, or `assignment_name`.
absl::Status Grade(const v1::GradeRequest& request, v1::FeedbackLevel max_level,
                   const AssignmentStore& assignments, const Limits& limits,
                   const std::atomic<bool>& cancelled, v1::GradeResponse* response);

// The assignment of a stream of submissions; never null. Errors are those of the header, with paths
// `header...`, or of the assignment, with paths relative to it as everywhere.
absl::StatusOr<std::shared_ptr<const CompiledAssignment>> AssignmentOf(
    const v1::GradeStreamHeader& header, const AssignmentStore& assignments, const Limits& limits,
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
