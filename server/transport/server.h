#ifndef GRADUS_SERVER_TRANSPORT_SERVER_H_
#define GRADUS_SERVER_TRANSPORT_SERVER_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include <grpcpp/channel.h>

#include "server/engine/limits.h"

namespace gradus {

// The largest response that gRPC may carry; the limit that requests are held to is a little lower.
// A client has to allow as much.
inline constexpr int kMaxResponseBytes = 64 * 1024 * 1024;

struct ServerOptions {
  // HOST:PORT to listen on; port 0 takes a free one. Empty: in process only.
  std::string listen_address = {};
  // Threads that compute; 0: one per core of the machine.
  int worker_count = 0;
  // Requests that may wait for a worker; those beyond it are UNAVAILABLE at once.
  int queue_capacity = 64;
  Limits limits = {};
  // A call without a deadline of its own is ended after this time.
  std::chrono::milliseconds max_duration{60'000};
  // Writes a line for each call (call_log.h).
  bool logs_calls = false;
};

// A running server: both services, health and reflection.
class Server {
 public:
  // Starts it. UNAVAILABLE if the address cannot be listened on, which includes a port in use.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options);

  // Stops at once; calls in flight are cancelled.
  virtual ~Server() = default;

  // A channel that reaches this server without a socket. It must not outlive the server.
  virtual std::shared_ptr<grpc::Channel> InProcessChannel() = 0;
  // The port that it listens on; 0 if in process only.
  virtual int port() const = 0;

  // Health says NOT_SERVING from now on, so that load balancers look elsewhere; calls are still
  // served.
  virtual void StopAdvertising() = 0;
  // Refuses new calls, lets those in flight finish, cancels what is left after `grace`, and returns
  // when all is done.
  virtual void Shutdown(std::chrono::milliseconds grace) = 0;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_SERVER_H_
