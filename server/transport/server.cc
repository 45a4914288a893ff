#include "server/transport/server.h"

#include <functional>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "fmt/format.h"
#include "server/transport/address.h"
#include "server/transport/call_log.h"
#include "server/transport/capability_token.h"
#include "server/transport/compute_pool.h"
#include "server/transport/gradient_service.h"
#include "server/transport/grading_service.h"
#include "server/transport/machine.h"
#include "server/transport/metrics.h"
#include "server/transport/token_file.h"

namespace gradus {
namespace {

void LimitConnections(const ConnectionLimits& limits, grpc::ServerBuilder& builder) {
  const auto set = [&](const char* name, std::chrono::milliseconds time) {
    builder.AddChannelArgument(name, static_cast<int>(time.count()));
  };
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.max_concurrent_streams);
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, limits.handshake_timeout);
  set(GRPC_ARG_KEEPALIVE_TIME_MS, limits.keepalive_time);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, limits.keepalive_timeout);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, limits.min_ping_interval);
  set(GRPC_ARG_MAX_CONNECTION_IDLE_MS, limits.max_idle);
  set(GRPC_ARG_MAX_CONNECTION_AGE_MS, limits.max_age);
  set(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, limits.max_age_grace);
}

// Of all metadata of a call. Above what a token may have, so that callers with one that is too long
// are told so, which gRPC would not.
constexpr int kMaxMetadataBytes = 80 * 1024;

absl::StatusOr<std::unique_ptr<Authenticator>> AuthenticatorFor(const ServerOptions& options) {
  std::vector<std::unique_ptr<Authenticator>> authenticators;
  if (!options.token_file.empty()) {
    auto tokens = TokenFile::Load(options.token_file);
    if (!tokens.ok()) return tokens.status();
    authenticators.push_back(*std::move(tokens));
  }
  if (!options.token_key_file.empty()) {
    auto tokens = CapabilityTokens::Load(options.token_key_file);
    if (!tokens.ok()) return tokens.status();
    authenticators.push_back(*std::move(tokens));
  }
  if (authenticators.empty()) return nullptr;
  return AnyOf(std::move(authenticators));
}

absl::StatusOr<CallSettings> SettingsFor(const ServerOptions& options,
                                         const std::shared_ptr<CallMetrics>& metrics) {
  absl::StatusOr<std::unique_ptr<Authenticator>> authenticator = AuthenticatorFor(options);
  if (!authenticator.ok()) return authenticator.status();
  CallSettings settings;
  settings.authenticator = *std::move(authenticator);
  settings.max_message_bytes = options.limits.max_bytes;
  settings.max_duration = options.max_duration;
  if (options.logs_calls) {
    settings.observers.push_back(std::make_shared<CallLog>(options.log_format));
  }
  if (metrics != nullptr) settings.observers.push_back(metrics);
  return settings;
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> CredentialsFor(const TlsFiles& files) {
  if (files.certificate.empty() && files.key.empty() && files.ca.empty()) {
    return grpc::InsecureServerCredentials();
  }
  if (files.certificate.empty() || files.key.empty()) {
    return absl::InvalidArgumentError("TLS needs both a certificate and its key");
  }
  return ServerTls(files);
}

// Whether this address may be listened on.
absl::Status CheckExposure(const ServerOptions& options) {
  const bool has_tls = !options.tls.certificate.empty();
  const bool knows_callers = !options.token_file.empty() || !options.token_key_file.empty() ||
                             (has_tls && !options.tls.ca.empty());
  if (options.listen_address.empty() || IsLocalAddress(options.listen_address) ||
      options.allows_insecure_public || (has_tls && knows_callers)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(fmt::format(
      "{} can be reached from other machines, and {}: give --tls-cert and --tls-key, and --tokens, "
      "--token-key or --tls-client-ca; or listen on 127.0.0.1; or, on a network where you trust "
      "everybody, say --insecure-public",
      options.listen_address,
      !has_tls ? "calls would not be encrypted" : "anybody could call as staff"));
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const ServerOptions& options, std::shared_ptr<CallMetrics> metrics,
             CallSettings settings)
      : metrics_(std::move(metrics)),
        settings_(std::move(settings)),
        pool_(options.worker_count > 0 ? options.worker_count : AvailableCores(),
              static_cast<size_t>(options.queue_capacity), WaitObserver()),
        gradient_service_(settings_, options.limits, pool_),
        grading_service_(settings_, options.limits, options.assignments, pool_),
        max_request_bytes_(options.limits.max_request_bytes),
        connections_(options.connections) {}

  ~ServerImpl() override { Shutdown(std::chrono::milliseconds(0)); }

  absl::Status ListenForMetrics(const std::string& address) {
    if (metrics_ == nullptr) return absl::OkStatus();
    auto listener = MetricsListener::Start(address, *metrics_, pool_, gradient_service_.graphs());
    if (!listener.ok()) return listener.status();
    metrics_listener_ = *std::move(listener);
    return absl::OkStatus();
  }

  absl::Status Listen(const std::string& address,
                      const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    // Both plug-ins are switched on for the whole process, before the first server is built.
    static std::once_flag plugins;
    std::call_once(plugins, [] {
      grpc::EnableDefaultHealthCheckService(true);
      grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    });
    grpc::ServerBuilder builder;
    if (!address.empty()) {
      builder.AddListeningPort(address, credentials, &port_);
    }
    // Without this, a second server on the same port would start and take half of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    LimitConnections(connections_, builder);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
    builder.SetMaxReceiveMessageSize(max_request_bytes_);
    builder.SetMaxSendMessageSize(kMaxResponseBytes);
    // gRPC inflates a compressed message before it looks at its size: a bomb.
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
    builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
    builder.RegisterService(&gradient_service_);
    builder.RegisterService(&grading_service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || (!address.empty() && port_ == 0)) {
      return absl::UnavailableError(fmt::format("cannot listen on {}", address));
    }
    Advertise(true);
    return absl::OkStatus();
  }

  std::shared_ptr<grpc::Channel> InProcessChannel() override {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
    return server_->InProcessChannel(arguments);
  }

  int port() const override { return port_; }

  int metrics_port() const override {
    return metrics_listener_ == nullptr ? 0 : metrics_listener_->port();
  }

  absl::Status ReloadTokens() override {
    return settings_.authenticator == nullptr ? absl::OkStatus()
                                              : settings_.authenticator->Reload();
  }

  void StopAdvertising() override { Advertise(false); }

  void Shutdown(std::chrono::milliseconds grace) override {
    if (server_ == nullptr) return;
    StopAdvertising();
    // The metrics' listener takes up to two seconds to stop, so both stop at once.
    const std::future<void> metrics =
        std::async(std::launch::async, [this] { metrics_listener_.reset(); });
    server_->Shutdown(std::chrono::system_clock::now() + grace);
    server_.reset();
  }

 private:
  std::function<void(ComputePool::Wait)> WaitObserver() const {
    if (metrics_ == nullptr) return {};
    return [metrics = metrics_](ComputePool::Wait time) { metrics->OnWaited(time); };
  }

  void Advertise(bool serving) {
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    if (health == nullptr) return;
    health->SetServingStatus(serving);
    health->SetServingStatus(v1::GradientService::service_full_name(), serving);
    health->SetServingStatus(v1::GradingService::service_full_name(), serving);
  }

  const std::shared_ptr<CallMetrics> metrics_;  // null if there are none
  const CallSettings settings_;
  // Destroyed after the server, whose calls it computes.
  ComputePool pool_;
  GradientServiceImpl gradient_service_;
  GradingServiceImpl grading_service_;
  std::unique_ptr<MetricsListener> metrics_listener_;
  std::unique_ptr<grpc::Server> server_;
  const int max_request_bytes_;
  const ConnectionLimits connections_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  if (absl::Status s = CheckExposure(options); !s.ok()) return s;
  const auto credentials = CredentialsFor(options.tls);
  if (!credentials.ok()) return credentials.status();
  const auto metrics = options.metrics_address.empty() ? nullptr : std::make_shared<CallMetrics>();
  absl::StatusOr<CallSettings> settings = SettingsFor(options, metrics);
  if (!settings.ok()) return settings.status();
  auto server = std::make_unique<ServerImpl>(options, metrics, *std::move(settings));
  if (absl::Status s = server->ListenForMetrics(options.metrics_address); !s.ok()) return s;
  if (absl::Status s = server->Listen(options.listen_address, *credentials); !s.ok()) return s;
  return server;
}

}  // namespace gradus
