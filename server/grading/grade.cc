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
    case Message::kAssignmentName:
      break;
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

// What they are to grade against.
template <class Message>
absl::StatusOr<std::shared_ptr<const CompiledAssignment>> SourceOf(
    const Message& message, const AssignmentStore& assignments, const Limits& limits,
    const std::atomic<bool>& cancelled) {
  if (message.source_case() == Message::kAssignmentName) {
    auto held = assignments.Find(message.assignment_name());
    if (!held.ok()) return WithFieldPrefix(held.status(), "assignment_name");
    return held;
  }
  absl::StatusOr<CompiledAssignment> assignment =
      CompiledAssignment::Compile(message.assignment(), limits, cancelled);
  if (!assignment.ok()) return assignment.status();
  return std::make_shared<const CompiledAssignment>(*std::move(assignment));
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

v1::FeedbackLevel LowerLevel(v1::FeedbackLevel a, v1::FeedbackLevel b) {
  if (a == v1::FEEDBACK_LEVEL_UNSPECIFIED) return b;
  return b == v1::FEEDBACK_LEVEL_UNSPECIFIED ? a : std::min(a, b);
}

absl::Status Grade(const v1::GradeRequest& request, v1::FeedbackLevel max_level,
                   const AssignmentStore& assignments, const Limits& limits,
                   const std::atomic<bool>& cancelled, v1::GradeResponse* response) {
  if (absl::Status s = CheckSource(request); !s.ok()) return s;
  if (!request.has_submission()) return FieldError("submission", Reason::kMissingField, "unset");
  // GradeOne does so too, but only once the assignment has been compiled.
  if (absl::Status s = CheckSubmission(request.submission()); !s.ok()) return s;
  const auto assignment = SourceOf(request, assignments, limits, cancelled);
  if (!assignment.ok()) return assignment.status();
  absl::StatusOr<v1::GradeReport> report =
      GradeOne(**assignment, request.submission(),
               LowerLevel(request.max_feedback_level(), max_level), cancelled);
  if (!report.ok()) return report.status();
  *response->mutable_report() = *std::move(report);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const CompiledAssignment>> AssignmentOf(
    const v1::GradeStreamHeader& header, const AssignmentStore& assignments, const Limits& limits,
    const std::atomic<bool>& cancelled) {
  if (absl::Status s = CheckSource(header); !s.ok()) return WithFieldPrefix(s, "header");
  auto assignment = SourceOf(header, assignments, limits, cancelled);
  if (!assignment.ok() && header.source_case() == v1::GradeStreamHeader::kAssignmentName) {
    return WithFieldPrefix(assignment.status(), "header");
  }
  return assignment;
}

absl::StatusOr<v1::GradeReport> GradeOne(const CompiledAssignment& assignment,
                                         const v1::Submission& submission,
                                         v1::FeedbackLevel max_level,
                                         const std::atomic<bool>& cancelled) {
  if (absl::Status s = CheckSubmission(submission); !s.ok()) return s;
  absl::StatusOr<v1::GradeReport> report = GradeSubmission(assignment, submission, cancelled);
  if (!report.ok()) return report;
  CutToLevel(LowerLevel(assignment.feedback_level(), max_level), &*report);
  return report;
}

}  // namespace gradus
