#ifndef GRADUS_SERVER_TRANSPORT_SERVER_H_
#define GRADUS_SERVER_TRANSPORT_SERVER_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <grpcpp/channel.h>

#include "server/engine/limits.h"
#include "server/grading/assignment_store.h"
#include "server/transport/logging.h"
#include "server/transport/tls.h"

namespace gradus {

// The largest response that gRPC may carry; the limit that requests are held to is a little lower.
// A client has to allow as much.
inline constexpr int kMaxResponseBytes = 64 * 1024 * 1024;

// What a connection may do, so that clients that are slow, silent or gone hold nothing for long.
struct ConnectionLimits {
  int max_concurrent_streams = 100;
  // Until a new connection speaks HTTP/2.
  std::chrono::seconds handshake_timeout{10};
  // A connection without data is asked after this time whether it is still there, and closed if
  // there is no answer.
  std::chrono::seconds keepalive_time{60};
  std::chrono::seconds keepalive_timeout{20};
  // A client that asks the same more often is sent away.
  std::chrono::seconds min_ping_interval{10};
  // Without a call.
  std::chrono::seconds max_idle{300};
  // Then it is told to connect anew, so that load balancers can spread it; calls in flight have the
  // grace to end.
  std::chrono::seconds max_age{1800};
  std::chrono::seconds max_age_grace{600};
};

struct ServerOptions {
  // HOST:PORT to listen on; port 0 takes a free one. Empty: in process only.
  std::string listen_address = {};
  // Threads that compute; 0: as many as can at once (AvailableCores).
  int worker_count = 0;
  // Requests that may wait for a worker; those beyond it are UNAVAILABLE at once.
  int queue_capacity = 64;
  Limits limits = {};
  ConnectionLimits connections = {};
  // Those that callers may name. Default: none.
  std::shared_ptr<const AssignmentStore> assignments = std::make_shared<const AssignmentStore>();
  // A call without a deadline of its own is ended after this time, a stream when there has been no
  // message for as long.
  std::chrono::milliseconds max_duration{60'000};
  // TLS; without a certificate, plain text. With `ca`, only clients that have a certificate from it
  // can connect.
  TlsFiles tls = TlsFiles();
  // Files that tell who may call: token_file.h and capability_token.h. If one is given, whoever has
  // no good token is refused, but for health and reflection; without both, every caller is staff.
  std::string token_file = {};
  std::string token_key_file = {};
  // Listens where other machines can call although anybody could, or could listen.
  bool allows_insecure_public = false;
  // Writes a line for each call (call_log.h), in this form.
  bool logs_calls = false;
  LogFormat log_format = LogFormat::kText;
  // HOST:PORT where Prometheus finds metrics; port 0 takes a free one. Empty: nowhere.
  std::string metrics_address = {};
};

// A running server: both services, health and reflection.
class Server {
 public:
  // Starts it. UNAVAILABLE if an address cannot be listened on, which includes a port in use.
  // INVALID_ARGUMENT if a file is not what it should be, or the address is not of this machine
  // alone and there is no TLS, or neither tokens nor client certificates to tell callers by.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options);

  // Stops at once; calls in flight are cancelled.
  virtual ~Server() = default;

  // A channel that reaches this server without a socket. It must not outlive the server.
  virtual std::shared_ptr<grpc::Channel> InProcessChannel() = 0;
  // The port that it listens on; 0 if in process only.
  virtual int port() const = 0;
  // The port of the metrics; 0 if there are none.
  virtual int metrics_port() const = 0;

  // Reads the files of tokens and their key again. On an error, which names the file, what was read
  // before from that file stays good.
  virtual absl::Status ReloadTokens() = 0;

  // Health says NOT_SERVING from now on, so that load balancers look elsewhere; calls are still
  // served.
  virtual void StopAdvertising() = 0;
  // Refuses new calls, lets those in flight finish, cancels what is left after `grace`, and returns
  // when all is done.
  virtual void Shutdown(std::chrono::milliseconds grace) = 0;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_SERVER_H_
