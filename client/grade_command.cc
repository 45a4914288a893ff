#include "client/grade_command.h"

#include <utility>

#include "client/json.h"
#include "client/message_file.h"
#include "gradus/v1/grading_service.grpc.pb.h"

namespace gradus {
namespace {

// Prints reports one after the other: texts with an empty line between them, or the entries of a
// JSON array, unless there is one submission only.
class ReportPrinter {
 public:
  explicit ReportPrinter(const GradeOptions& options)
      : options_(options), is_array_(options.json && options.submissions.size() > 1) {
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

// True if what the server says of one submission holds for all of them: it cannot be reached, or it
// refuses the assignment. What it refuses in a submission has a path that begins there.
bool ConcernsAll(const absl::Status& status) {
  const ExitCode code = ExitCodeOf(status);
  return code == ExitCode::kUnreachable ||
         (code == ExitCode::kBadInput && !std::string(status.message()).starts_with("submission"));
}

}  // namespace

ExitCode RunGrade(const GradeOptions& options) {
  absl::StatusOr<v1::Assignment> assignment = ReadMessageFile<v1::Assignment>(options.assignment);
  if (!assignment.ok()) return Fail(assignment.status());
  const absl::StatusOr<Connection> connection = Connection::Open(options.connection);
  if (!connection.ok()) return Fail(connection.status());

  v1::GradeRequest request;
  *request.mutable_assignment() = *std::move(assignment);
  ExitCode code = ExitCode::kDone;
  ReportPrinter printer(options);
  for (const std::string& file : options.submissions) {
    absl::Status status = ReadMessageFile(file, request.mutable_submission());
    if (status.ok()) {
      const auto response = connection->Call(&v1::GradingService::Stub::Grade, request);
      if (!response.ok() && ConcernsAll(response.status())) {
        code = Fail(About(options.assignment, response.status()));
        break;
      }
      status =
          response.ok() ? printer.Add(response->report(), file) : About(file, response.status());
    }
    if (!status.ok()) {
      Fail(status);
      code = ExitCode::kPartlyGraded;
    }
  }
  printer.End();
  return code;
}

}  // namespace gradus
