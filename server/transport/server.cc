#include "server/transport/server.h"

#include <functional>
#include <future>
#include <mutex>

#include "absl/status/status.h"
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "fmt/format.h"
#include "server/transport/call_log.h"
#include "server/transport/compute_pool.h"
#include "server/transport/gradient_service.h"
#include "server/transport/grading_service.h"
#include "server/transport/machine.h"
#include "server/transport/metrics.h"

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

CallSettings SettingsFor(const ServerOptions& options,
                         const std::shared_ptr<CallMetrics>& metrics) {
  CallSettings settings;
  settings.max_duration = options.max_duration;
  if (options.logs_calls) {
    settings.observers.push_back(std::make_shared<CallLog>(options.log_format));
  }
  if (metrics != nullptr) settings.observers.push_back(metrics);
  return settings;
}

class ServerImpl final : public Server {
 public:
  explicit ServerImpl(const ServerOptions& options)
      : metrics_(options.metrics_address.empty() ? nullptr : std::make_shared<CallMetrics>()),
        settings_(SettingsFor(options, metrics_)),
        pool_(options.worker_count > 0 ? options.worker_count : AvailableCores(),
              static_cast<size_t>(options.queue_capacity), WaitObserver()),
        gradient_service_(settings_, options.limits, pool_),
        grading_service_(settings_, options.limits, options.assignments, pool_),
        max_request_bytes_(options.limits.max_request_bytes),
        connections_(options.connections) {}

  ~ServerImpl() override { Shutdown(std::chrono::milliseconds(0)); }

  absl::Status ListenForMetrics(const std::string& address) {
    if (metrics_ == nullptr) return absl::OkStatus();
    auto listener = MetricsListener::Start(address, *metrics_, pool_);
    if (!listener.ok()) return listener.status();
    metrics_listener_ = *std::move(listener);
    return absl::OkStatus();
  }

  absl::Status Listen(const std::string& address) {
    // Both plug-ins are switched on for the whole process, before the first server is built.
    static std::once_flag plugins;
    std::call_once(plugins, [] {
      grpc::EnableDefaultHealthCheckService(true);
      grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    });
    grpc::ServerBuilder builder;
    if (!address.empty()) {
      builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    }
    // Without this, a second server on the same port would start and take half of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    LimitConnections(connections_, builder);
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
  std::unique_ptr<MetricsListener> metrics_listener_;
  GradientServiceImpl gradient_service_;
  GradingServiceImpl grading_service_;
  std::unique_ptr<grpc::Server> server_;
  const int max_request_bytes_;
  const ConnectionLimits connections_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  auto server = std::make_unique<ServerImpl>(options);
  if (absl::Status s = server->ListenForMetrics(options.metrics_address); !s.ok()) return s;
  if (absl::Status s = server->Listen(options.listen_address); !s.ok()) return s;
  return server;
}

}  // namespace gradus
