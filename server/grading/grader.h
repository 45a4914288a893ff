#ifndef GRADUS_SERVER_GRADING_GRADER_H_
#define GRADUS_SERVER_GRADING_GRADER_H_

#include <atomic>

#include "absl/status/statusor.h"

#include "gradus/v1/grade.pb.h"
#include "server/grading/assignment.h"

namespace gradus {

// Judges a submission and tells everything: the report is to be cut with CutToLevel before it
// leaves. CANCELLED soon after `cancelled` becomes true; there is no other error.
//
// One loop over all quantities in the order of computation, in three worlds: the truth; the mended
// paper, which keeps what is correct of it; and the student's own, which keeps all of it. What is
// near the first two is correct, what is near the last is carried, and what is near none is a root
// error, of which the mistake is named if it is a known one.
absl::StatusOr<v1::GradeReport> GradeSubmission(const CompiledAssignment& assignment,
                                                const v1::Submission& submission,
                                                const std::atomic<bool>& cancelled);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_GRADER_H_
