#include "client/grade_each.h"

#include <algorithm>
#include <utility>

#include "client/grade_files.h"
#include "client/submission_files.h"

namespace gradus {
namespace {

// Submissions whose reports are held at a time, until all assignments have given theirs.
constexpr size_t kChunk = 256;

// Files with the reports that they have so far.
struct Graded {
  std::vector<std::string> files;
  std::vector<std::vector<v1::GradeReport>> reports;  // by file
};

// Adds the reports by one more assignment, and leaves out the files that get none.
absl::Status GradeBy(const AssignmentFile& assignment, v1::FeedbackLevel max_level,
                     const Connection& connection, Graded& graded, ExitCode& code) {
  v1::GradeStreamHeader header;
  *header.mutable_assignment() = assignment.assignment;
  header.set_max_feedback_level(max_level);
  Graded kept;
  size_t next = 0;
  const auto take = [&](const std::string& file, const absl::StatusOr<v1::GradeReport>& report) {
    std::vector<v1::GradeReport>& reports = graded.reports[next++];
    if (!report.ok()) {
      Fail(report.status());
      code = ExitCode::kPartlyGraded;
      return;
    }
    reports.push_back(*report);
    if (reports.back().submission_id().empty()) reports.back().set_submission_id(file);
    kept.files.push_back(file);
    kept.reports.push_back(std::move(reports));
  };
  absl::Status status = GradeFiles(connection, header, graded.files, take);
  if (!status.ok()) return About(assignment.path, status);
  graded = std::move(kept);
  return absl::OkStatus();
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

  ExitCode code = ExitCode::kDone;
  for (size_t first = 0; first < files->size(); first += kChunk) {
    const std::span<const std::string> chunk =
        std::span(*files).subspan(first, std::min(kChunk, files->size() - first));
    Graded graded = {{chunk.begin(), chunk.end()}, {}};
    graded.reports.resize(chunk.size());
    for (const AssignmentFile& assignment : assignments) {
      if (graded.files.empty()) break;
      absl::Status status = GradeBy(assignment, max_level, *connection, graded, code);
      if (!status.ok()) return Fail(status);
    }
    for (size_t i = 0; i < graded.files.size(); ++i) on_graded(graded.files[i], graded.reports[i]);
  }
  return code;
}

}  // namespace gradus
