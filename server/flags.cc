#include "server/flags.h"

#include <algorithm>
#include <cstdlib>

#include "CLI/CLI.hpp"
#include "fmt/format.h"
#include "server/transport/libraries.h"
#include "server/transport/version.h"

namespace gradus {
namespace {

constexpr int kExitUsage = 2;

std::string ExplainAddress(const std::string& address) {
  return address.find(':') == std::string::npos ? "write HOST:PORT, as in 127.0.0.1:50051" : "";
}

// A flag for a time, whole and at least `least`, in the unit that its name ends in.
template <class Duration>
void AddTime(CLI::App& app, const std::string& name, Duration& time, int least,
             const std::string& description) {
  constexpr int kMost = 1'000'000;
  app.add_option_function<int>(
         name, [&time](int count) { time = Duration(count); }, description)
      ->check(CLI::Range(least, kMost))
      ->default_str(std::to_string(time.count()));
}

template <class Number>
void AddLimit(CLI::App& app, const std::string& name, Number& limit, double most,
              const std::string& description) {
  // Not capture_default_str(), which rounds to six digits, and so up beyond `most`.
  app.add_option(name, limit, description)
      ->check(CLI::Range(1.0, most))
      ->default_str(fmt::format("{}", limit));
}

std::string ExplainMetricsAddress(const std::string& address) {
  return address.empty() || address.find(':') != std::string::npos
             ? ""
             : "write HOST:PORT, as in 127.0.0.1:9464, or ''";
}

void AddObservation(CLI::App& app, Flags& flags) {
  app.add_option("--log-level", flags.log_level, "what is logged, on standard error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--log-format",
         [&flags](const std::string& format) {
           flags.server.log_format = format == "json" ? LogFormat::kJson : LogFormat::kText;
         },
         "text to read, or json: an object a line")
      ->check(CLI::IsMember({"text", "json"}))
      ->default_str("text");
  app.add_option("--metrics-listen", flags.server.metrics_address,
                 "HOST:PORT where Prometheus finds /metrics; port 0 takes a free one; '': nowhere")
      ->check(ExplainMetricsAddress)
      ->capture_default_str();
}

void AddServing(CLI::App& app, Flags& flags) {
  app.add_option("--listen", flags.server.listen_address,
                 "HOST:PORT to listen on; port 0 takes a free one")
      ->check(ExplainAddress)
      ->capture_default_str();
  app.add_option("--workers", flags.server.worker_count,
                 "threads that compute; 0: one per core that the process may use")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--queue", flags.server.queue_capacity, "requests that may wait for a worker")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--assignments", flags.assignments.directory,
                 "directory of assignments that callers may name; read again on SIGHUP");
  AddTime(
      app, "--max-call-ms", flags.server.max_duration, 1,
      "longest time of a call that has no deadline of its own, or of a stream without messages");
  AddTime(app, "--drain-delay-ms", flags.drain_delay, 0,
          "after SIGTERM, milliseconds between NOT_SERVING and refusing new calls");
  AddTime(app, "--drain-grace-ms", flags.drain_grace, 0,
          "then, milliseconds that calls in flight have to finish");
  app.add_flag("--allow-few-files", flags.allows_few_files,
               "start also where so few files may be open that a few clients can use them up");
}

// Who may call, and over what.
void AddAccess(CLI::App& app, ServerOptions& server) {
  CLI::Option* certificate =
      app.add_option("--tls-cert", server.tls.certificate,
                     "file with the certificate to show, in PEM; read again when it changes");
  CLI::Option* key = app.add_option("--tls-key", server.tls.key, "file with its private key");
  certificate->needs(key);
  key->needs(certificate);
  app.add_option("--tls-client-ca", server.tls.ca,
                 "refuse clients that have no certificate from the authorities in this file")
      ->needs(certificate);
  app.add_option("--tokens", server.token_file,
                 "refuse callers without a token; file of lines: role, subject, SHA-256 of the "
                 "token; read again on SIGHUP");
  app.add_option("--token-key", server.token_key_file,
                 "refuse callers without a token; file with the key that signed tokens (JWT) are "
                 "checked with; read again on SIGHUP");
  app.add_flag("--insecure-public", server.allows_insecure_public,
               "listen where other machines can call, also without TLS or tokens");
}

// What one request may cost; GetLimits tells it to callers.
void AddLimits(CLI::App& app, Limits& limits) {
  constexpr double kMostBytes = 1e15;
  constexpr double kMostMessage = 1 << 30;
  AddLimit(app, "--max-request-bytes", limits.max_request_bytes, kMostMessage,
           "bytes of a request on the wire");
  AddLimit(app, "--max-response-bytes", limits.max_response_bytes, 60.0 * 1024 * 1024,
           "bytes of a response");
  AddLimit(app, "--max-names", limits.max_names, 1e9,
           "inputs, parameters and nodes of a network together");
  AddLimit(app, "--max-operands", limits.max_operands, 1e9, "operands of all nodes together");
  AddLimit(app, "--max-tensor-elements", limits.max_tensor_elements, 1e12,
           "elements of one tensor");
  AddLimit(app, "--max-bytes", limits.max_bytes, kMostBytes,
           "bytes of all that a request makes, and of itself in memory");
  AddLimit(app, "--max-flops", limits.max_flops, 1e18,
           "estimated floating-point operations of a request");
}

void AddConnections(CLI::App& app, ConnectionLimits& limits) {
  app.add_option("--max-streams", limits.max_concurrent_streams, "calls at once on a connection")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  AddTime(app, "--handshake-timeout-s", limits.handshake_timeout, 1,
          "seconds until a new connection must speak HTTP/2");
  AddTime(app, "--keepalive-time-s", limits.keepalive_time, 1,
          "seconds without data until a client is asked whether it is there");
  AddTime(app, "--keepalive-timeout-s", limits.keepalive_timeout, 1,
          "seconds that it has to answer");
  AddTime(app, "--min-ping-interval-s", limits.min_ping_interval, 1,
          "a client that pings more often is sent away");
  AddTime(app, "--max-idle-s", limits.max_idle, 1, "seconds that a connection may have no call");
  AddTime(app, "--max-age-s", limits.max_age, 1,
          "seconds after which a client is told to connect anew");
  AddTime(app, "--max-age-grace-s", limits.max_age_grace, 1,
          "then, seconds that its calls have to finish");
}

std::string EnvironmentName(const std::string& flag) {
  std::string name = "GRADUS_" + flag;
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return name;
}

// From 2.4 on, CLI11 passes over what a flag refuses if it is in the environment.
void RefusePassedOver(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_envname();
    const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
    if (value != nullptr && *value != '\0' && option->count() == 0) {
      throw CLI::ValidationError(name, fmt::format("{} refuses '{}'", option->get_name(), value));
    }
  }
}

std::string VersionText() {
  return std::string("gradus-server ") + kVersion + "\n" + LibraryVersions() + GrpcWarning();
}

}  // namespace

std::optional<int> ReadFlags(int argc, char** argv, Flags& flags) {
  flags.server.listen_address = "127.0.0.1:50051";
  flags.server.metrics_address = "127.0.0.1:9464";
  CLI::App app("Gradus server: runs neural networks forward and backward, and grades homework.",
               "gradus-server");
  app.footer(
      "Each flag may also be set in the environment, --max-flops as GRADUS_MAX_FLOPS, or in the "
      "file "
      "that --config names, a line max-flops=1e9 each. The command line counts first, then the "
      "file, then the environment.");
  AddServing(app, flags);
  AddObservation(app, flags);
  AddAccess(app, flags.server);
  AddLimits(app, flags.server.limits);
  AddConnections(app, flags.server.connections);
  for (CLI::Option* option : app.get_options()) {
    if (!option->get_lnames().empty() && option->get_lnames().front() != "help") {
      option->envname(EnvironmentName(option->get_lnames().front()));
    }
  }
  app.add_flag("--health-check", flags.is_health_check,
               "ask the server at the listen address whether it serves; exit code 0 if it does, 1 "
               "if not")
      ->configurable(false);
  app.set_version_flag("--version", VersionText());
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_config("--config", "", "file of flags, a line name=value each")->envname("GRADUS_CONFIG");
  try {
    app.parse(argc, argv);
    RefusePassedOver(app);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : kExitUsage;
  }
  flags.configuration = app.config_to_str(/*default_also=*/true);
  return std::nullopt;
}

}  // namespace gradus
