#include "server/grading/grade.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "server/grading/feedback.h"
#include "server/grading/grader.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

constexpr size_t kMaxIdLength = 256;
constexpr int kMaxAnswers = 100'000;

// What a GradeRequest and a GradeStreamHeader have in common: what to grade against, and how much
// may be told.
template <class Message>
absl::Status CheckSource(const Message& message) {
  switch (message.source_case()) {
    case Message::kAssignment:
      break;
    case Message::kAssignmentName:
      return FieldError("assignment_name", Reason::kNotImplemented,
                        "this server holds no assignments yet; send the assignment itself");
    default:
      return FieldError("assignment", Reason::kMissingField, "unset");
  }
  if (!v1::FeedbackLevel_IsValid(message.max_feedback_level())) {
    return FieldError(
        "max_feedback_level", Reason::kInvalidValue,
        fmt::format("{} is no feedback level", static_cast<int>(message.max_feedback_level())));
  }
  return absl::OkStatus();
}

absl::Status CheckSubmission(const v1::Submission& submission) {
  if (submission.id().size() > kMaxIdLength) {
    return FieldError("submission.id", Reason::kLimitExceeded,
                      fmt::format("longer than {} characters", kMaxIdLength));
  }
  if (submission.answers_size() > kMaxAnswers) {
    return FieldError(
        "submission.answers", Reason::kLimitExceeded,
        fmt::format("{} answers, the limit is {}", submission.answers_size(), kMaxAnswers));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Grade(const v1::GradeRequest& request, const Limits& limits,
                   const std::atomic<bool>& cancelled, v1::GradeResponse* response) {
  if (absl::Status s = CheckSource(request); !s.ok()) return s;
  if (!request.has_submission()) return FieldError("submission", Reason::kMissingField, "unset");
  // GradeOne does so too, but only once the assignment has been compiled.
  if (absl::Status s = CheckSubmission(request.submission()); !s.ok()) return s;
  const absl::StatusOr<CompiledAssignment> assignment =
      CompiledAssignment::Compile(request.assignment(), limits, cancelled);
  if (!assignment.ok()) return assignment.status();
  absl::StatusOr<v1::GradeReport> report =
      GradeOne(*assignment, request.submission(), request.max_feedback_level(), cancelled);
  if (!report.ok()) return report.status();
  *response->mutable_report() = *std::move(report);
  return absl::OkStatus();
}

absl::StatusOr<CompiledAssignment> CompileHeader(const v1::GradeStreamHeader& header,
                                                 const Limits& limits,
                                                 const std::atomic<bool>& cancelled) {
  if (absl::Status s = CheckSource(header); !s.ok()) return WithFieldPrefix(s, "header");
  return CompiledAssignment::Compile(header.assignment(), limits, cancelled);
}

absl::StatusOr<v1::GradeReport> GradeOne(const CompiledAssignment& assignment,
                                         const v1::Submission& submission,
                                         v1::FeedbackLevel max_level,
                                         const std::atomic<bool>& cancelled) {
  if (absl::Status s = CheckSubmission(submission); !s.ok()) return s;
  absl::StatusOr<v1::GradeReport> report = GradeSubmission(assignment, submission, cancelled);
  if (!report.ok()) return report;
  v1::FeedbackLevel level = assignment.feedback_level();
  if (max_level != v1::FEEDBACK_LEVEL_UNSPECIFIED) level = std::min(level, max_level);
  CutToLevel(level, &*report);
  return report;
}

}  // namespace gradus
