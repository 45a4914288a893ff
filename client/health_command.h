#ifndef GRADUS_CLIENT_HEALTH_COMMAND_H_
#define GRADUS_CLIENT_HEALTH_COMMAND_H_

#include "client/connection.h"
#include "client/console.h"

namespace gradus {

// gradus health: asks the server whether it is serving (grpc.health.v1) and prints its answer,
// "SERVING". Whatever else it is, also an error, is kUnreachable.
ExitCode RunHealth(const ConnectionOptions& options);

}  // namespace gradus

#endif  // GRADUS_CLIENT_HEALTH_COMMAND_H_
