// gradus-server: flags, logging, shutdown.

#include <malloc.h>
#include <pthread.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

#include "CLI/CLI.hpp"
#include "server/transport/server.h"
#include "server/transport/version.h"

namespace {

constexpr int kExitUsage = 2;
constexpr int kExitCannotListen = 3;

// Traces of megabytes come and go. By default glibc gives such memory back each time, and touching
// fresh pages again costs several times the computation; so keep it. Resident memory stays at its
// peak.
void KeepMemory() {
  mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
  mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

int main(int argc, char** argv) {
  gradus::ServerOptions options;
  options.listen_address = "127.0.0.1:50051";
  options.logs_calls = true;
  std::string log_level = "info";
  int drain_delay_ms = 2000;
  int drain_grace_ms = 6000;

  CLI::App app("Gradus server: runs neural networks forward and backward, and grades homework.",
               "gradus-server");
  app.set_version_flag("--version", std::string("gradus-server ") + gradus::kVersion);
  app.add_option("--listen", options.listen_address,
                 "HOST:PORT to listen on; port 0 takes a free one")
      ->check([](const std::string& address) {
        return address.find(':') == std::string::npos ? "write HOST:PORT, as in 127.0.0.1:50051"
                                                      : "";
      })
      ->capture_default_str();
  app.add_option("--workers", options.worker_count, "threads that compute; 0: one per core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--queue", options.queue_capacity, "requests that may wait for a worker")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--drain-delay-ms", drain_delay_ms,
                 "after SIGTERM, milliseconds between NOT_SERVING and refusing new calls")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  app.add_option("--drain-grace-ms", drain_grace_ms,
                 "then, milliseconds that calls in flight have to finish")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  app.add_option("--log-level", log_level, "what is logged, on standard error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : kExitUsage;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("gradus-server"));
  spdlog::set_level(spdlog::level::from_str(log_level));

  KeepMemory();
  // Blocked before gRPC starts threads, so that only sigwait sees them.
  const sigset_t stop_signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

  auto server = gradus::Server::Start(options);
  if (!server.ok()) {
    spdlog::error("{}", std::string(server.status().message()));
    return kExitCannotListen;
  }
  spdlog::info("gradus-server {} listens on {} (port {})", gradus::kVersion, options.listen_address,
               (*server)->port());

  int signal = 0;
  sigwait(&stop_signals, &signal);
  // A second signal ends the process at once.
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr);
  spdlog::info("draining");
  (*server)->StopAdvertising();
  std::this_thread::sleep_for(std::chrono::milliseconds(drain_delay_ms));
  (*server)->Shutdown(std::chrono::milliseconds(drain_grace_ms));
  spdlog::info("stopped");
  return EXIT_SUCCESS;
}
