// gradus-server: logging, wiring, shutdown.

#include <malloc.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

#include "server/flags.h"
#include "server/transport/health_probe.h"
#include "server/transport/machine.h"
#include "server/transport/server.h"
#include "server/transport/version.h"

namespace {

constexpr int kExitNotServing = 1;
constexpr int kExitCannotListen = 3;
// Fewer files than these that may be open are worth a warning.
constexpr int64_t kFewFiles = 4096;

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

// For Docker's HEALTHCHECK, which knows the exit codes 0 and 1.
int CheckHealth(const std::string& address) {
  constexpr std::chrono::milliseconds kTimeout{2000};
  const absl::Status health = gradus::ProbeHealth(address, kTimeout);
  if (health.ok()) return EXIT_SUCCESS;
  std::cerr << std::string(health.message()) << "\n";
  return kExitNotServing;
}

// In one line, so that a log says how its server was set up.
void LogConfiguration(std::string configuration) {
  std::replace(configuration.begin(), configuration.end(), '\n', ' ');
  spdlog::info("configuration: {}", configuration);
}

}  // namespace

int main(int argc, char** argv) {
  gradus::Flags flags;
  if (const std::optional<int> exit_code = gradus::ReadFlags(argc, argv, flags)) {
    return *exit_code;
  }
  if (flags.is_health_check) return CheckHealth(flags.server.listen_address);
  flags.server.logs_calls = true;
  spdlog::set_default_logger(spdlog::stderr_color_mt("gradus-server"));
  spdlog::set_level(spdlog::level::from_str(flags.log_level));

  KeepMemory();
  gradus::ForbidCoreFiles();
  const int64_t files = gradus::RaiseFileLimit();
  LogConfiguration(flags.configuration);
  if (files < kFewFiles) {
    spdlog::warn(
        "only {} files may be open, so a few hundred idle connections keep everybody else out; "
        "raise the limit (ulimit -n)",
        files);
  }
  // Blocked before gRPC starts threads, so that only sigwait sees them.
  const sigset_t stop_signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

  auto server = gradus::Server::Start(flags.server);
  if (!server.ok()) {
    spdlog::error("{}", std::string(server.status().message()));
    return kExitCannotListen;
  }
  spdlog::info("gradus-server {} listens on {} (port {})", gradus::kVersion,
               flags.server.listen_address, (*server)->port());

  int signal = 0;
  sigwait(&stop_signals, &signal);
  // A second signal ends the process at once.
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr);
  spdlog::info("draining");
  (*server)->StopAdvertising();
  std::this_thread::sleep_for(flags.drain_delay);
  (*server)->Shutdown(flags.drain_grace);
  spdlog::info("stopped");
  return EXIT_SUCCESS;
}
