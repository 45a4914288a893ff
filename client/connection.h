#ifndef GRADUS_CLIENT_CONNECTION_H_
#define GRADUS_CLIENT_CONNECTION_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <grpcpp/grpcpp.h>

#include "server/transport/server.h"
#include "server/transport/tls.h"

namespace gradus {

struct ConnectionOptions {
  // HOST:PORT of a server. Empty: one inside this process, with the same services.
  std::string server;
  // With `ca`, the server is called over TLS.
  TlsFiles tls = {};
  // The name that its certificate must have; empty: HOST.
  std::string server_name = {};
  // A file with the token to show, or else the token itself; none if both are empty. It is sent
  // over TLS or to this machine only.
  std::string token_file = {};
  std::string token = {};
  // How long each call may take.
  std::chrono::seconds timeout{60};
};

// Where calls go.
class Connection {
 public:
  // Starts the server inside this process, or makes ready to call the other; whether that one can
  // be reached, the first call tells. INVALID_ARGUMENT if a file is not what it should be, or the
  // token would be sent where others can read it.
  static absl::StatusOr<Connection> Open(const ConnectionOptions& options);

  // Calls a method and waits for its answer:
  //
  //   connection.Call(&v1::GradientService::Stub::Forward, request)
  template <class Stub, class Request, class Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const {
    grpc::ClientContext context;
    Authorize(&context);
    context.set_deadline(std::chrono::system_clock::now() + options_.timeout);
    Response response;
    const grpc::Status status = (Stub(channel_).*method)(&context, request, &response);
    if (!status.ok()) return Explain(status);
    return response;
  }

  // For calls that are streams: their context before they start, what to make their stub of, how
  // long to wait for a sign of life, and their status with a message for people.
  void Authorize(grpc::ClientContext* context) const;
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  std::chrono::seconds timeout() const { return options_.timeout; }
  absl::Status Explain(const grpc::Status& status) const;

 private:
  explicit Connection(const ConnectionOptions& options) : options_(options) {}

  ConnectionOptions options_;
  // In this order: the channel must not outlive the server.
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace gradus

#endif  // GRADUS_CLIENT_CONNECTION_H_
