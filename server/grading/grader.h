#ifndef GRADUS_SERVER_GRADING_GRADER_H_
#define GRADUS_SERVER_GRADING_GRADER_H_

#include "gradus/v1/grade.pb.h"
#include "server/grading/assignment.h"

namespace gradus {

// Judges a submission and tells everything: the report is to be cut with CutToLevel before it
// leaves. Each element is compared with the key within the item's tolerance.
v1::GradeReport GradeSubmission(const CompiledAssignment& assignment,
                                const v1::Submission& submission);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_GRADER_H_
