// gradus-server: logging, wiring, shutdown.

#include <malloc.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "spdlog/spdlog.h"

#include "server/flags.h"
#include "server/grading/assignment_store.h"
#include "server/transport/health_probe.h"
#include "server/transport/libraries.h"
#include "server/transport/logging.h"
#include "server/transport/machine.h"
#include "server/transport/server.h"
#include "server/transport/version.h"

namespace {

constexpr int kExitNotServing = 1;
constexpr int kExitUsage = 2;
constexpr int kExitCannotListen = 3;
// With fewer files than these that may be open, a few clients could take all connections.
constexpr int64_t kLeastFiles = 4096;

// Traces of megabytes come and go. By default glibc gives such memory back each time, and touching
// fresh pages again costs several times the computation; so keep it. Resident memory stays at its
// peak.
void KeepMemory() {
  mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
  mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
}

sigset_t SetOf(std::initializer_list<int> numbers) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : numbers) sigaddset(&signals, number);
  return signals;
}

// For Docker's HEALTHCHECK, which knows the exit codes 0 and 1.
int CheckHealth(const gradus::ServerOptions& options) {
  constexpr std::chrono::milliseconds kTimeout{2000};
  const absl::Status health = gradus::ProbeHealth(options.listen_address, options.tls, kTimeout);
  if (health.ok()) return EXIT_SUCCESS;
  std::cerr << std::string(health.message()) << "\n";
  return kExitNotServing;
}

// In one line, so that a log says how its server was set up.
void LogConfiguration(std::string configuration) {
  std::replace(configuration.begin(), configuration.end(), '\n', ' ');
  spdlog::info("configuration: {}", configuration);
}

// Reads the assignments again on a thread of its own, so that the server can be stopped meanwhile.
class AssignmentReader {
 public:
  explicit AssignmentReader(gradus::AssignmentStore& store) : store_(store) {}
  AssignmentReader(const AssignmentReader&) = delete;
  AssignmentReader& operator=(const AssignmentReader&) = delete;
  ~AssignmentReader() { Stop(); }

  // Starts over if a reading is under way.
  void Start() {
    Stop();
    cancelled_ = false;
    thread_ = std::thread([this] {
      // Whatever happens, the server goes on with what it holds.
      try {
        for (const std::string& problem : store_.Read(cancelled_)) spdlog::warn("{}", problem);
        if (!cancelled_) spdlog::info("assignments: {}", store_.Names().size());
      } catch (const std::exception& error) {
        spdlog::warn("assignments stay as they are: {}", error.what());
      }
    });
  }

  void Stop() {
    cancelled_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  gradus::AssignmentStore& store_;
  std::atomic<bool> cancelled_ = false;
  std::thread thread_;
};

// Reads the assignments for the first time; false, and errors in the log, if a file is wrong.
bool ReadAssignments(gradus::AssignmentStore& store) {
  const std::atomic<bool> cancelled = false;
  const std::vector<std::string> problems = store.Read(cancelled);
  for (const std::string& problem : problems) spdlog::error("{}", problem);
  if (problems.empty()) spdlog::info("assignments: {}", store.Names().size());
  return problems.empty();
}

// Reads the tokens again. A file that is wrong leaves them as they are.
void ReadTokens(gradus::Server& server) {
  const absl::Status status = server.ReloadTokens();
  if (status.ok()) {
    spdlog::info("tokens: read again");
  } else {
    spdlog::warn("tokens stay as they are: {}", std::string(status.message()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  gradus::Flags flags;
  if (const std::optional<int> exit_code = gradus::ReadFlags(argc, argv, flags)) {
    return *exit_code;
  }
  if (flags.is_health_check) return CheckHealth(flags.server);
  flags.server.logs_calls = true;
  const gradus::Logging logging(flags.server.log_format, flags.log_level);
  if (const std::string warning = gradus::GrpcWarning(); !warning.empty()) {
    spdlog::warn("{}", warning);
  }

  gradus::SkipDeadlockDetection();
  KeepMemory();
  gradus::ForbidCoreFiles();
  const int64_t files = gradus::RaiseFileLimit();
  LogConfiguration(flags.configuration);
  if (files < kLeastFiles && !flags.allows_few_files) {
    spdlog::error(
        "only {} files may be open: once as many clients are connected nobody else can be, with "
        "gRPC 1.51 not even when they are gone; raise the limit (ulimit -Hn {}), or say "
        "--allow-few-files",
        files, kLeastFiles);
    return kExitUsage;
  }
  const bool holds_assignments = !flags.assignments.directory.empty();
  flags.assignments.limits = flags.server.limits;
  const auto store = std::make_shared<gradus::AssignmentStore>(flags.assignments);
  flags.server.assignments = store;
  const bool has_tokens = !flags.server.token_file.empty() || !flags.server.token_key_file.empty();
  const bool reads_again = holds_assignments || has_tokens;
  if (reads_again) {
    // Before they are read, so that what changes from now on is read again.
    const sigset_t read_again = SetOf({SIGHUP});
    pthread_sigmask(SIG_BLOCK, &read_again, nullptr);
  }
  if (holds_assignments && !ReadAssignments(*store)) return kExitUsage;
  // Blocked before gRPC starts threads, so that only sigwait sees them.
  const sigset_t stop_signals = SetOf({SIGTERM, SIGINT});
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

  auto server = gradus::Server::Start(flags.server);
  if (!server.ok()) {
    spdlog::error("{}", std::string(server.status().message()));
    return absl::IsInvalidArgument(server.status()) ? kExitUsage : kExitCannotListen;
  }
  spdlog::info("gradus-server {} listens on {} (port {})", gradus::kVersion,
               flags.server.listen_address, (*server)->port());
  if ((*server)->metrics_port() != 0) {
    spdlog::info("metrics are on {} (port {})", flags.server.metrics_address,
                 (*server)->metrics_port());
  }

  AssignmentReader reader(*store);
  const sigset_t awaited =
      reads_again ? SetOf({SIGTERM, SIGINT, SIGHUP}) : SetOf({SIGTERM, SIGINT});
  int signal = 0;
  while (sigwait(&awaited, &signal) == 0 && signal == SIGHUP) {
    if (has_tokens) ReadTokens(**server);
    if (holds_assignments) reader.Start();
  }
  reader.Stop();
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
