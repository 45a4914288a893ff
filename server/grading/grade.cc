#include "server/grading/grade.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/grading/assignment.h"
#include "server/grading/feedback.h"
#include "server/grading/grader.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

constexpr size_t kMaxIdLength = 256;
constexpr int kMaxAnswers = 100'000;

absl::Status CheckRequest(const v1::GradeRequest& request) {
  switch (request.source_case()) {
    case v1::GradeRequest::kAssignment:
      break;
    case v1::GradeRequest::kAssignmentName:
      return FieldError("assignment_name", Reason::kNotImplemented,
                        "this server holds no assignments yet; send the assignment itself");
    default:
      return FieldError("assignment", Reason::kMissingField, "unset");
  }
  if (!request.has_submission()) return FieldError("submission", Reason::kMissingField, "unset");
  const v1::Submission& submission = request.submission();
  if (submission.id().size() > kMaxIdLength) {
    return FieldError("submission.id", Reason::kLimitExceeded,
                      fmt::format("longer than {} characters", kMaxIdLength));
  }
  if (submission.answers_size() > kMaxAnswers) {
    return FieldError(
        "submission.answers", Reason::kLimitExceeded,
        fmt::format("{} answers, the limit is {}", submission.answers_size(), kMaxAnswers));
  }
  if (!v1::FeedbackLevel_IsValid(request.max_feedback_level())) {
    return FieldError(
        "max_feedback_level", Reason::kInvalidValue,
        fmt::format("{} is no feedback level", static_cast<int>(request.max_feedback_level())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Grade(const v1::GradeRequest& request, const Limits& limits,
                   const std::atomic<bool>& cancelled, v1::GradeResponse* response) {
  if (absl::Status s = CheckRequest(request); !s.ok()) return s;
  const absl::StatusOr<CompiledAssignment> assignment =
      CompiledAssignment::Compile(request.assignment(), limits, cancelled);
  if (!assignment.ok()) return assignment.status();
  absl::StatusOr<v1::GradeReport> report =
      GradeSubmission(*assignment, request.submission(), cancelled);
  if (!report.ok()) return report.status();
  *response->mutable_report() = *std::move(report);
  v1::FeedbackLevel level = assignment->feedback_level();
  if (request.max_feedback_level() != v1::FEEDBACK_LEVEL_UNSPECIFIED) {
    level = std::min(level, request.max_feedback_level());
  }
  CutToLevel(level, response->mutable_report());
  return absl::OkStatus();
}

}  // namespace gradus
