#include "server/transport/health_probe.h"

#include "grpc/health/v1/health.grpc.pb.h"
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "fmt/format.h"
#include "server/compatibility.h"

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

// Not for secrets: whoever answers at the address is believed.
std::shared_ptr<grpc::ChannelCredentials> Credentials(const TlsFiles& tls) {
  if (tls.certificate.empty()) return grpc::InsecureChannelCredentials();
  namespace experimental = grpc::experimental;
  experimental::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<experimental::NoOpCertificateVerifier>());
  SetIdentity(std::make_shared<experimental::FileWatcherCertificateProvider>(
                  tls.key, tls.certificate, tls.reload_seconds),
              &options);
  return experimental::TlsCredentials(options);
}

}  // namespace

absl::Status ProbeHealth(const std::string& address, const TlsFiles& tls,
                         std::chrono::milliseconds timeout) {
  namespace health = grpc::health::v1;
  const auto stub =
      health::Health::NewStub(grpc::CreateChannel(LocalAddress(address), Credentials(tls)));
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
