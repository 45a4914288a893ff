#ifndef GRADUS_CLIENT_COMPUTE_COMMAND_H_
#define GRADUS_CLIENT_COMPUTE_COMMAND_H_

#include <string>
#include <vector>

#include "client/connection.h"
#include "client/console.h"

namespace gradus {

enum class Computation { kForward, kBackward, kStep };

struct ComputeOptions {
  Computation computation = Computation::kForward;
  std::string problem;            // path of the file
  std::vector<std::string> only;  // addresses to show; empty: all
  std::vector<std::string> pins;  // as ParsePin reads them
  bool json = false;              // the response as JSON, instead of its trace as a table
  ConnectionOptions connection;
};

// gradus forward, backward and step: computes a problem and prints the trace.
ExitCode RunCompute(const ComputeOptions& options);

}  // namespace gradus

#endif  // GRADUS_CLIENT_COMPUTE_COMMAND_H_
