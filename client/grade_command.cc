#include "client/grade_command.h"

#include <utility>

#include "client/grade_files.h"
#include "client/submission_files.h"
#include "fmt/format.h"
#include "gradus/v1/grading_service.pb.h"
#include "server/files/json.h"
#include "server/files/message_file.h"

namespace gradus {
namespace {

// Prints reports one after the other: texts with an empty line between them, or the entries of a
// JSON array, unless one file is all that is asked for.
class ReportPrinter {
 public:
  explicit ReportPrinter(const GradeOptions& options)
      : options_(options),
        is_array_(options.json &&
                  (options.submissions.size() > 1 || IsFolder(options.submissions.front()))) {
    if (is_array_) Print("[\n");
  }

  absl::Status Add(const v1::GradeReport& report, const std::string& file) {
    absl::StatusOr<std::string> text = options_.json ? ToJson(report, JsonFields::kAll)
                                                     : ReportText(report, file, options_.listed);
    if (!text.ok()) return text.status();
    if (count_++ > 0) Print(is_array_ ? ",\n" : "\n");
    Print(*text);
    return absl::OkStatus();
  }

  void End() const {
    if (is_array_) Print("]\n");
  }

 private:
  const GradeOptions& options_;
  const bool is_array_;
  int count_ = 0;
};

// What the submissions are graded against.
absl::StatusOr<v1::GradeStreamHeader> HeaderOf(const GradeOptions& options) {
  v1::GradeStreamHeader header;
  if (options.assignment.starts_with('@')) {
    if (options.connection.server.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("{0}: an assignment that a server holds; --server says which server, and "
                      "./{0} would be a file",
                      options.assignment));
    }
    header.set_assignment_name(options.assignment.substr(1));
    return header;
  }
  absl::StatusOr<v1::Assignment> assignment = ReadMessageFile<v1::Assignment>(options.assignment);
  if (!assignment.ok()) return assignment.status();
  *header.mutable_assignment() = *std::move(assignment);
  return header;
}

}  // namespace

ExitCode RunGrade(const GradeOptions& options) {
  const absl::StatusOr<v1::GradeStreamHeader> header = HeaderOf(options);
  if (!header.ok()) return Fail(header.status());
  const absl::StatusOr<std::vector<std::string>> files = ListSubmissionFiles(options.submissions);
  if (!files.ok()) return Fail(files.status());
  const absl::StatusOr<Connection> connection = Connection::Open(options.connection);
  if (!connection.ok()) return Fail(connection.status());

  ExitCode code = ExitCode::kDone;
  ReportPrinter printer(options);
  const auto print = [&](const std::string& file, const absl::StatusOr<v1::GradeReport>& report) {
    const absl::Status status = report.ok() ? printer.Add(*report, file) : report.status();
    if (status.ok()) return;
    Fail(status);
    code = ExitCode::kPartlyGraded;
  };
  const absl::Status status = GradeFiles(*connection, *header, *files, print);
  // What concerns all submissions is about what they have in common.
  if (!status.ok()) code = Fail(About(options.assignment, status));
  printer.End();
  return code;
}

}  // namespace gradus
