#include "client/compute_command.h"

#include <utility>

#include "client/pin.h"
#include "client/trace_table.h"
#include "gradus/v1/gradient_service.grpc.pb.h"
#include "server/files/json.h"
#include "server/files/message_file.h"

namespace gradus {
namespace {

using Stub = v1::GradientService::Stub;

template <class Request>
absl::StatusOr<Request> MakeRequest(const ComputeOptions& options) {
  absl::StatusOr<v1::Problem> problem = ReadMessageFile<v1::Problem>(options.problem);
  if (!problem.ok()) return problem.status();
  Request request;
  *request.mutable_problem() = *std::move(problem);
  for (const std::string& text : options.pins) {
    absl::StatusOr<v1::Pin> pin = ParsePin(text);
    if (!pin.ok()) return pin.status();
    *request.add_pins() = *std::move(pin);
  }
  request.mutable_trace()->mutable_only()->Add(options.only.begin(), options.only.end());
  return request;
}

// What a server's error is about, by the path that it begins with.
std::string SourceOf(const absl::Status& status, const ComputeOptions& options) {
  const std::string message(status.message());
  if (message.starts_with("pins[")) return "--pin";
  if (message.starts_with("trace.only[")) return "--only";
  return options.problem;
}

template <class Request, class Response>
absl::StatusOr<std::string> Compute(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                 const Request&, Response*),
                                    const ComputeOptions& options) {
  const absl::StatusOr<Request> request = MakeRequest<Request>(options);
  if (!request.ok()) return request.status();
  const absl::StatusOr<Connection> connection = Connection::Open(options.connection);
  if (!connection.ok()) return connection.status();
  const absl::StatusOr<Response> response = connection->Call(method, *request);
  if (!response.ok()) return About(SourceOf(response.status(), options), response.status());
  return options.json ? ToJson(*response, JsonFields::kSet) : TraceTable(response->trace());
}

absl::StatusOr<std::string> Compute(const ComputeOptions& options) {
  switch (options.computation) {
    case Computation::kForward:
      return Compute(&Stub::Forward, options);
    case Computation::kBackward:
      return Compute(&Stub::Backward, options);
    case Computation::kStep:
      break;
  }
  return Compute(&Stub::Step, options);
}

}  // namespace

ExitCode RunCompute(const ComputeOptions& options) {
  const absl::StatusOr<std::string> text = Compute(options);
  if (!text.ok()) return Fail(text.status());
  Print(*text);
  return ExitCode::kDone;
}

}  // namespace gradus
