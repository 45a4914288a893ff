#include "client/connection.h"

#include <utility>

#include "fmt/format.h"

namespace gradus {
absl::StatusOr<Connection> Connection::Open(const ConnectionOptions& options) {
  Connection connection(options);
  if (options.server.empty()) {
    absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(ServerOptions{});
    if (!server.ok()) return server.status();
    connection.server_ = *std::move(server);
    connection.channel_ = connection.server_->InProcessChannel();
    return connection;
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  connection.channel_ =
      grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(), arguments);
  return connection;
}

absl::Status Connection::Explain(const grpc::Status& status) const {
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  const std::string where =
      options_.server.empty() ? "the server in this process" : options_.server;
  switch (code) {
    case absl::StatusCode::kOk:
      return absl::OkStatus();
    case absl::StatusCode::kUnavailable:
      return absl::UnavailableError(
          fmt::format("{}: unavailable: {}; without --server, no server is needed", where,
                      status.error_message()));
    case absl::StatusCode::kDeadlineExceeded:
      return absl::DeadlineExceededError(
          fmt::format("{}: no answer within {} seconds; --timeout gives it more time", where,
                      options_.timeout.count()));
    case absl::StatusCode::kUnimplemented:
      // gRPC says nothing, neither of an RPC that it does not know nor of a request that it cannot
      // parse.
      if (!status.error_message().empty()) break;
      return absl::UnimplementedError(
          fmt::format("{} knows no such call, or could not read the request", where));
    default:
      break;
  }
  return absl::Status(code, status.error_message());
}

}  // namespace gradus
