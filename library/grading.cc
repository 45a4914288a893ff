#include "gradus/grading.h"

#include <atomic>
#include <utility>

#include "server/engine/limits.h"
#include "server/grading/assignment.h"
#include "server/grading/grade.h"

namespace gradus {
namespace {

// Nobody cancels what is computed here.
const std::atomic<bool> kCancelled = false;

}  // namespace

AssignmentGrader::AssignmentGrader(std::shared_ptr<const CompiledAssignment> assignment)
    : assignment_(std::move(assignment)) {}

absl::StatusOr<AssignmentGrader> AssignmentGrader::Create(const v1::Assignment& assignment) {
  absl::StatusOr<CompiledAssignment> compiled =
      CompiledAssignment::Compile(assignment, Limits(), kCancelled);
  if (!compiled.ok()) return compiled.status();
  return AssignmentGrader(std::make_shared<const CompiledAssignment>(*std::move(compiled)));
}

absl::StatusOr<v1::GradeReport> AssignmentGrader::Grade(const v1::Submission& submission,
                                                        v1::FeedbackLevel max_level) const {
  return GradeOne(*assignment_, submission, max_level, kCancelled);
}

}  // namespace gradus
