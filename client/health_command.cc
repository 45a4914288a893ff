#include "client/health_command.h"

#include "grpc/health/v1/health.grpc.pb.h"

namespace gradus {

ExitCode RunHealth(const ConnectionOptions& options) {
  const absl::StatusOr<Connection> connection = Connection::Open(options);
  // No name: the server as a whole.
  const grpc::health::v1::HealthCheckRequest request;
  const auto response = connection.ok()
                            ? connection->Call(&grpc::health::v1::Health::Stub::Check, request)
                            : connection.status();
  if (!response.ok()) {
    Fail(response.status());
    return ExitCode::kUnreachable;
  }
  Print(grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response->status()));
  Print("\n");
  return response->status() == grpc::health::v1::HealthCheckResponse::SERVING
             ? ExitCode::kDone
             : ExitCode::kUnreachable;
}

}  // namespace gradus
