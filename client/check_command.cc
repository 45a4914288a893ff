#include "client/check_command.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "client/columns.h"
#include "fmt/format.h"
#include "gradus/v1/gradient_service.grpc.pb.h"
#include "server/files/json.h"
#include "server/files/message_file.h"

namespace gradus {
namespace {

std::string_view MethodName(v1::CheckMethod method) {
  for (const auto& [name, named] : kCheckMethods) {
    if (named == method) return name;
  }
  return "?";
}

std::string_view VerdictName(v1::CheckVerdict verdict) {
  switch (verdict) {
    case v1::CHECK_VERDICT_AGREES:
      return "agrees";
    case v1::CHECK_VERDICT_DIFFERS:
      return "DIFFERS";
    default:
      return "undecided";
  }
}

absl::StatusOr<v1::CheckRequest> MakeRequest(const CheckCommandOptions& options) {
  v1::CheckRequest request;
  if (!options.gradients.empty()) {
    absl::StatusOr<v1::CheckRequest> given = ReadMessageFile<v1::CheckRequest>(options.gradients);
    if (!given.ok()) return given.status();
    request.mutable_gradients()->Swap(given->mutable_gradients());
    if (request.gradients().empty()) {
      return About(options.gradients, absl::InvalidArgumentError("it holds no gradients"));
    }
    if (given->ByteSizeLong() > 0) {
      return About(options.gradients,
                   absl::InvalidArgumentError("it holds more than gradients; what else there is to "
                                              "say, say with flags"));
    }
  }
  absl::StatusOr<v1::Problem> problem = ReadMessageFile<v1::Problem>(options.problem);
  if (!problem.ok()) return problem.status();
  *request.mutable_problem() = *std::move(problem);
  for (const v1::CheckMethod method : options.methods) request.add_methods(method);
  request.mutable_only()->Add(options.only.begin(), options.only.end());
  request.set_relative_tolerance(options.relative_tolerance);
  request.set_seed(options.seed);
  return request;
}

// What a server's error is about, by the path that it begins with.
std::string SourceOf(const absl::Status& status, const CheckCommandOptions& options) {
  const std::string message(status.message());
  if (message.starts_with("gradients[")) return options.gradients;
  if (message.starts_with("only")) return "--only";
  if (message.starts_with("methods")) return "--method";
  if (message.starts_with("relative_tolerance")) return "--tolerance";
  return options.problem;
}

absl::StatusOr<v1::CheckResponse> Check(const CheckCommandOptions& options) {
  const absl::StatusOr<v1::CheckRequest> request = MakeRequest(options);
  if (!request.ok()) return request.status();
  const absl::StatusOr<Connection> connection = Connection::Open(options.connection);
  if (!connection.ok()) return connection.status();
  absl::StatusOr<v1::CheckResponse> response =
      connection->Call(&v1::GradientService::Stub::Check, *request);
  if (!response.ok()) return About(SourceOf(response.status(), options), response.status());
  return *std::move(response);
}

// The message without what the other columns say.
std::string Detail(const v1::CheckResult& result) {
  const std::string& message = result.message();
  const bool is_plain = result.verdict() == v1::CHECK_VERDICT_AGREES && result.kink_count() == 0 &&
                        !result.accepts_zeros();
  if (is_plain) return "";
  const std::string prefix = result.address() + ": ";
  return Printable(message.starts_with(prefix) ? message.substr(prefix.size()) : message);
}

}  // namespace

std::string CheckTable(const v1::CheckResponse& response) {
  std::vector<std::vector<std::string>> rows = {{"gradient", "method", "verdict", ""}};
  int counts[v1::CheckVerdict_ARRAYSIZE] = {};
  for (const v1::CheckResult& result : response.results()) {
    rows.push_back({Printable(result.address()), std::string(MethodName(result.method())),
                    std::string(VerdictName(result.verdict())), Detail(result)});
    if (v1::CheckVerdict_IsValid(result.verdict())) ++counts[result.verdict()];
  }
  return AlignColumns(rows, "") +
         fmt::format("\n{} agree, {} differ, {} undecided\n", counts[v1::CHECK_VERDICT_AGREES],
                     counts[v1::CHECK_VERDICT_DIFFERS], counts[v1::CHECK_VERDICT_UNDECIDED]);
}

ExitCode RunCheck(const CheckCommandOptions& options) {
  const absl::StatusOr<v1::CheckResponse> response = Check(options);
  if (!response.ok()) return Fail(response.status());
  if (options.json) {
    const absl::StatusOr<std::string> text = ToJson(*response, JsonFields::kSet);
    if (!text.ok()) return Fail(text.status());
    Print(*text);
  } else {
    Print(CheckTable(*response));
  }
  const auto differs = [](const v1::CheckResult& result) {
    return result.verdict() == v1::CHECK_VERDICT_DIFFERS;
  };
  const auto& results = response->results();
  return std::any_of(results.begin(), results.end(), differs) ? ExitCode::kDiffers
                                                              : ExitCode::kDone;
}

}  // namespace gradus
