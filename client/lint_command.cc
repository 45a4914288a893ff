#include "client/lint_command.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "client/columns.h"
#include "fmt/format.h"
#include "gradus/v1/grading_service.grpc.pb.h"
#include "server/files/json.h"
#include "server/files/message_file.h"

namespace gradus {
namespace {

constexpr int kMostCodes = 2;  // of one finding

std::string CodesText(const v1::LintFinding& finding) {
  std::string text = finding.code();
  const int shown = std::min(finding.also_accepted_size(), kMostCodes - 1);
  for (int i = 0; i < shown; ++i) text += ", " + finding.also_accepted(i);
  const int more = finding.also_accepted_size() - shown;
  if (more > 0) text += fmt::format(", {} more", more);
  return Printable(text);
}

}  // namespace

std::string LintText(std::string_view assignment, const v1::LintAssignmentResponse& response) {
  std::string text =
      fmt::format("{}: {} wrong answers tried, {} would be accepted\n", Printable(assignment),
                  response.tried_count(), response.accepted_count());
  std::vector<std::vector<std::string>> rows = {{"item", "finding", "credit", "message"}};
  for (const v1::LintFinding& finding : response.findings()) {
    rows.push_back({finding.item().empty() ? "(all)" : Printable(finding.item()),
                    CodesText(finding),
                    finding.credit() > 0 ? fmt::format("{:.0f} %", 100 * finding.credit()) : "",
                    Printable(finding.message())});
  }
  if (rows.size() > 1) text += "\n" + AlignColumns(rows, kIndent);
  return text;
}

ExitCode RunLint(const LintOptions& options) {
  absl::StatusOr<v1::Assignment> assignment = ReadMessageFile<v1::Assignment>(options.assignment);
  if (!assignment.ok()) return Fail(assignment.status());
  const absl::StatusOr<Connection> connection = Connection::Open(options.connection);
  if (!connection.ok()) return Fail(connection.status());
  v1::LintAssignmentRequest request;
  *request.mutable_assignment() = *std::move(assignment);
  const absl::StatusOr<v1::LintAssignmentResponse> response =
      connection->Call(&v1::GradingService::Stub::LintAssignment, request);
  if (!response.ok()) return Fail(About(options.assignment, response.status()));
  const absl::StatusOr<std::string> text = options.json
                                               ? ToJson(*response, JsonFields::kAll)
                                               : LintText(request.assignment().name(), *response);
  if (!text.ok()) return Fail(text.status());
  Print(*text);
  return ExitCode::kDone;
}

}  // namespace gradus
