#ifndef GRADUS_GRADING_H_
#define GRADUS_GRADING_H_

#include <memory>

#include "absl/status/statusor.h"

#include "gradus/v1/assignment.pb.h"
#include "gradus/v1/grade.pb.h"

namespace gradus {

class CompiledAssignment;

// Grades submissions of one assignment in this process, as GradingService does on a server, number
// for number, with the limits that a server has by default.
//
//   absl::StatusOr<gradus::AssignmentGrader> grader = gradus::AssignmentGrader::Create(assignment);
//   if (!grader.ok()) return grader.status();
//   absl::StatusOr<gradus::v1::GradeReport> report = grader->Grade(submission);
//
// Copies share what they know of the assignment. Grade is safe from several threads at once.
class AssignmentGrader {
 public:
  // Computes the key. Errors are those of the assignment, with paths relative to it:
  // "items[3].quantity 'dL/dw5': no input ...".
  static absl::StatusOr<AssignmentGrader> Create(const v1::Assignment& assignment);

  // A wrong or malformed answer is a result; errors are those of the submission as a whole. The
  // report tells the least of the assignment's feedback level and `max_level`, where unspecified is
  // no further limit.
  absl::StatusOr<v1::GradeReport> Grade(
      const v1::Submission& submission,
      v1::FeedbackLevel max_level = v1::FEEDBACK_LEVEL_UNSPECIFIED) const;

 private:
  explicit AssignmentGrader(std::shared_ptr<const CompiledAssignment> assignment);

  std::shared_ptr<const CompiledAssignment> assignment_;  // never null
};

}  // namespace gradus

#endif  // GRADUS_GRADING_H_
