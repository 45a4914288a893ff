#include "client/grade_each.h"

#include "client/message_file.h"
#include "client/submission_files.h"
#include "gradus/v1/grading_service.grpc.pb.h"

namespace gradus {
namespace {

// True if what the server says of one submission holds for all of them: it cannot be reached, or it
// refuses the assignment. What it refuses in a submission has a path that begins there.
bool ConcernsAll(const absl::Status& status) {
  const ExitCode code = ExitCodeOf(status);
  return code == ExitCode::kUnreachable ||
         (code == ExitCode::kBadInput && !std::string(status.message()).starts_with("submission"));
}

}  // namespace

v1::FeedbackLevel LevelOf(const v1::Assignment& assignment) {
  const v1::FeedbackLevel level = assignment.policy().feedback_level();
  return level == v1::FEEDBACK_LEVEL_UNSPECIFIED ? v1::FEEDBACK_LEVEL_VERDICT : level;
}

ExitCode GradeEach(const std::vector<std::string>& submissions,
                   std::span<const AssignmentFile> assignments, v1::FeedbackLevel max_level,
                   const ConnectionOptions& connection_options, const OnGraded& on_graded) {
  const absl::StatusOr<std::vector<std::string>> files = ListSubmissionFiles(submissions);
  if (!files.ok()) return Fail(files.status());
  const absl::StatusOr<Connection> connection = Connection::Open(connection_options);
  if (!connection.ok()) return Fail(connection.status());

  std::vector<v1::GradeRequest> requests;
  for (const AssignmentFile& file : assignments) {
    v1::GradeRequest& request = requests.emplace_back();
    *request.mutable_assignment() = file.assignment;
    request.set_max_feedback_level(max_level);
  }
  ExitCode code = ExitCode::kDone;
  for (const std::string& file : *files) {
    v1::Submission submission;
    absl::Status status = ReadMessageFile(file, &submission);
    std::vector<v1::GradeReport> reports;
    for (size_t i = 0; status.ok() && i < requests.size(); ++i) {
      *requests[i].mutable_submission() = submission;
      auto response = connection->Call(&v1::GradingService::Stub::Grade, requests[i]);
      if (response.ok()) {
        reports.push_back(std::move(*response->mutable_report()));
      } else if (ConcernsAll(response.status())) {
        return Fail(About(assignments[i].path, response.status()));
      } else {
        status = About(file, response.status());
      }
    }
    if (!status.ok()) {
      Fail(status);
      code = ExitCode::kPartlyGraded;
      continue;
    }
    if (submission.id().empty()) {
      submission.set_id(file);
      for (v1::GradeReport& report : reports) report.set_submission_id(file);
    }
    on_graded(submission, reports);
  }
  return code;
}

}  // namespace gradus
