#include "server/transport/health_probe.h"

#include "grpc/health/v1/health.grpc.pb.h"
#include <grpcpp/grpcpp.h>

#include "fmt/format.h"

namespace gradus {
namespace {

// Where a server can be reached from its own machine that listens on `address`.
std::string LocalAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : address.substr(colon);
  if (host == "0.0.0.0" || host.empty()) return "127.0.0.1" + port;
  if (host == "[::]") return "[::1]" + port;
  return address;
}

}  // namespace

absl::Status ProbeHealth(const std::string& address, std::chrono::milliseconds timeout) {
  namespace health = grpc::health::v1;
  const auto stub = health::Health::NewStub(
      grpc::CreateChannel(LocalAddress(address), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  health::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, {}, &response);
  if (!status.ok()) {
    return absl::UnavailableError(
        fmt::format("{} does not answer: {}", address, status.error_message()));
  }
  if (response.status() != health::HealthCheckResponse::SERVING) {
    return absl::UnavailableError(fmt::format(
        "{} says {}", address, health::HealthCheckResponse::ServingStatus_Name(response.status())));
  }
  return absl::OkStatus();
}

}  // namespace gradus
