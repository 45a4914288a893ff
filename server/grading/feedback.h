#ifndef GRADUS_SERVER_GRADING_FEEDBACK_H_
#define GRADUS_SERVER_GRADING_FEEDBACK_H_

#include "gradus/v1/assignment.pb.h"
#include "gradus/v1/grade.pb.h"

namespace gradus {

// Removes from a full report all that a feedback level does not tell (assignment.proto,
// FeedbackLevel). The one place where this happens: every output is made from the result.
void CutToLevel(v1::FeedbackLevel level, v1::GradeReport* report);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_FEEDBACK_H_
