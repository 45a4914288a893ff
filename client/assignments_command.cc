#include "client/assignments_command.h"

#include <vector>

#include "absl/status/statusor.h"

#include "client/columns.h"
#include "client/report_text.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "gradus/v1/grading_service.grpc.pb.h"
#include "server/files/json.h"

namespace gradus {
namespace {

using Grading = v1::GradingService;

absl::StatusOr<std::string> Names(const Connection& connection, bool json) {
  const absl::StatusOr<v1::ListAssignmentsResponse> response =
      connection.Call(&Grading::Stub::ListAssignments, v1::ListAssignmentsRequest());
  if (!response.ok()) return response.status();
  if (json) return ToJson(*response, JsonFields::kAll);
  std::string text;
  for (const std::string& name : response->names()) text += Printable(name) + "\n";
  return text;
}

absl::StatusOr<std::string> One(const Connection& connection, const std::string& name, bool json) {
  v1::GetAssignmentRequest request;
  request.set_name(name);
  const absl::StatusOr<v1::GetAssignmentResponse> response =
      connection.Call(&Grading::Stub::GetAssignment, request);
  if (!response.ok()) return response.status();
  return json ? ToJson(*response, JsonFields::kSet) : AssignmentText(*response);
}

}  // namespace

std::string AssignmentText(const v1::GetAssignmentResponse& response) {
  const v1::Assignment& assignment = response.assignment();
  std::vector<std::vector<std::string>> rows = {{"item", "points", "shape", "quantity"}};
  for (int i = 0; i < assignment.items_size(); ++i) {
    const v1::Item& item = assignment.items(i);
    const std::string shape = i < response.shapes_size()
                                  ? fmt::format("[{}]", fmt::join(response.shapes(i).shape(), ", "))
                                  : "";
    rows.push_back({Printable(item.id()), PointsText(item.has_points() ? item.points() : 1), shape,
                    Printable(item.quantity())});
  }
  return fmt::format("{}: {} {}\n\n{}", Printable(assignment.name()), assignment.items_size(),
                     assignment.items_size() == 1 ? "item" : "items", AlignColumns(rows, kIndent));
}

ExitCode RunAssignments(const AssignmentsOptions& options) {
  const absl::StatusOr<Connection> connection = Connection::Open(options.connection);
  if (!connection.ok()) return Fail(connection.status());
  const absl::StatusOr<std::string> text = options.name.empty()
                                               ? Names(*connection, options.json)
                                               : One(*connection, options.name, options.json);
  if (!text.ok()) return Fail(text.status());
  Print(*text);
  return ExitCode::kDone;
}

}  // namespace gradus
