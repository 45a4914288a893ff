#include "client/regrade_command.h"

#include <algorithm>
#include <utility>

#include "client/columns.h"
#include "client/grade_each.h"
#include "client/report_text.h"
#include "fmt/format.h"
#include "server/files/json.h"
#include "server/files/message_file.h"

namespace gradus {
namespace {

// Verdict and points; of an item that an assignment does not have, that.
void AddScore(bool present, const v1::ItemScore& score, std::vector<std::string>* row) {
  row->emplace_back(present ? VerdictWord(score.verdict()) : "no such item");
  row->push_back(present ? PointsText(score.earned_points(), score.possible_points()) : "");
}

std::string SubmissionText(const v1::RegradedSubmission& submission, bool never_lower) {
  std::string text =
      fmt::format("{}: {} -> {} points\n", Printable(submission.submission_id()),
                  PointsText(submission.old_earned_points(), submission.old_possible_points()),
                  PointsText(submission.new_earned_points(), submission.new_possible_points()));
  if (submission.items().empty()) return text;
  std::vector<std::vector<std::string>> rows = {{"item", "before", "points", "after", "points"}};
  if (never_lower) rows[0].emplace_back("counts");
  for (const v1::ItemChange& item : submission.items()) {
    rows.push_back({Printable(item.id())});
    AddScore(item.has_before(), item.before(), &rows.back());
    AddScore(item.has_after(), item.after(), &rows.back());
    if (never_lower) rows.back().push_back(PointsText(item.counted_points()));
  }
  return text + AlignColumns(rows, kIndent) + "\n";
}

}  // namespace

std::string RegradeText(const v1::RegradeReport& report) {
  std::string text;
  for (const v1::RegradedSubmission& submission : report.submissions()) {
    text += SubmissionText(submission, report.never_lower());
  }
  if (!text.empty() && !text.ends_with("\n\n")) text += "\n";
  text += fmt::format("{} -> {}: {} raised, {} lowered, {} unchanged{}\n",
                      Printable(report.old_assignment()), Printable(report.new_assignment()),
                      report.raised_count(), report.lowered_count(), report.unchanged_count(),
                      report.never_lower() ? "; each item keeps the larger of both scores" : "");
  return text;
}

ExitCode RunRegrade(const RegradeOptions& options) {
  std::vector<AssignmentFile> files;
  for (const std::string& path : {options.old_assignment, options.new_assignment}) {
    absl::StatusOr<v1::Assignment> assignment = ReadMessageFile<v1::Assignment>(path);
    if (!assignment.ok()) return Fail(assignment.status());
    files.push_back({path, *std::move(assignment)});
  }
  const v1::FeedbackLevel level =
      std::min(LevelOf(files[0].assignment), LevelOf(files[1].assignment));
  RegradeReportBuilder builder(files[0].assignment, files[1].assignment, options.lowered_score);
  const ExitCode code =
      GradeEach(options.submissions, files, level, options.connection,
                [&](const std::string&, std::span<const v1::GradeReport> reports) {
                  builder.Add(reports[0], reports[1]);
                });
  if (code != ExitCode::kDone && code != ExitCode::kPartlyGraded) return code;
  const absl::StatusOr<std::string> text =
      options.json ? ToJson(builder.report(), JsonFields::kAll) : RegradeText(builder.report());
  if (!text.ok()) return Fail(text.status());
  Print(*text);
  return code;
}

}  // namespace gradus
