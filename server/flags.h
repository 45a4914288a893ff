#ifndef GRADUS_SERVER_FLAGS_H_
#define GRADUS_SERVER_FLAGS_H_

#include <chrono>
#include <optional>
#include <string>

#include "server/grading/assignment_store.h"
#include "server/transport/server.h"

namespace gradus {

// What the program is told from outside.
struct Flags {
  ServerOptions server;
  AssignmentStoreOptions assignments;
  std::string log_level = "info";
  std::chrono::milliseconds drain_delay{2000};
  std::chrono::milliseconds drain_grace{6000};
  // Start although few files, and so few connections, may be open.
  bool allows_few_files = false;
  // Ask the server at the listen address whether it serves, and do nothing else.
  bool is_health_check = false;
  // All that is set, as a configuration file would say it. It holds no secret: those are in files
  // of their own, which flags name.
  std::string configuration;
};

// Reads the command line, then for what it leaves open the file that --config names, then the
// environment (GRADUS_MAX_FLOPS for --max-flops). Returns the exit code if the program is to end
// at once: after --help and --version, or with what was wrong on standard error.
std::optional<int> ReadFlags(int argc, char** argv, Flags& flags);

}  // namespace gradus

#endif  // GRADUS_SERVER_FLAGS_H_
