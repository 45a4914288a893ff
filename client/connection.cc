#include "client/connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"

#include "client/service_config.h"
#include "fmt/format.h"
#include "server/transport/address.h"
#include "server/transport/identity.h"
#include "server/transport/small_file.h"

namespace gradus {
namespace {

// Less often than the server sends those away for (min_ping_interval).
constexpr int kKeepaliveTimeMs = 12'000;
constexpr int kKeepaliveTimeoutMs = 6'000;
constexpr int kReconnectMs = 100;

// The token of a file, which is one word, or the one that is given.
absl::StatusOr<std::string> TokenFor(const ConnectionOptions& options) {
  std::string token = options.token;
  std::string source = "GRADUS_TOKEN";
  if (!options.token_file.empty()) {
    absl::StatusOr<std::string> text = ReadSmallFile(options.token_file);
    if (!text.ok()) return text.status();
    token = *std::move(text);
    source = options.token_file;
  }
  const bool is_given = !token.empty();
  absl::StripAsciiWhitespace(&token);
  const bool is_word = std::all_of(token.begin(), token.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (!is_word || (is_given && token.empty()) || token.size() > kMaxTokenBytes) {
    return absl::InvalidArgumentError(
        fmt::format("{}: a token is one word of at most {} characters", source, kMaxTokenBytes));
  }
  return token;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFor(
    const ConnectionOptions& options) {
  if (!options.tls.ca.empty()) return ClientTls(options.tls);
  if (!options.token.empty() && !IsLocalAddress(options.server)) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: others could read the token on its way; give --tls-ca, or no token", options.server));
  }
  return grpc::InsecureChannelCredentials();
}

}  // namespace

absl::StatusOr<Connection> Connection::Open(const ConnectionOptions& options) {
  Connection connection(options);
  if (options.server.empty()) {
    connection.options_.token.clear();
    absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(ServerOptions{});
    if (!server.ok()) return server.status();
    connection.server_ = *std::move(server);
    connection.channel_ = connection.server_->InProcessChannel();
    return connection;
  }
  absl::StatusOr<std::string> token = TokenFor(options);
  if (!token.ok()) return token.status();
  connection.options_.token = *std::move(token);
  const auto credentials = CredentialsFor(connection.options_);
  if (!credentials.ok()) return credentials.status();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  arguments.SetServiceConfigJSON(std::string(ServiceConfig()));
  // A server that has stopped, and not closed its connections, is noticed after 18 seconds.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A server that starts again is called again before calls are given up, and not only after the
  // second that gRPC would wait.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMs);
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  // What stays on this machine, a token in plain text among it, is no business of a proxy.
  if (IsLocalAddress(options.server)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  connection.channel_ = grpc::CreateCustomChannel(options.server, *credentials, arguments);
  return connection;
}

void Connection::Authorize(grpc::ClientContext* context) const {
  if (options_.token.empty()) return;
  context->AddMetadata("authorization", "Bearer " + options_.token);
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
