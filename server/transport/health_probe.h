#ifndef GRADUS_SERVER_TRANSPORT_HEALTH_PROBE_H_
#define GRADUS_SERVER_TRANSPORT_HEALTH_PROBE_H_

#include <chrono>
#include <string>

#include "absl/status/status.h"

#include "server/transport/tls.h"

namespace gradus {

// Asks the server at HOST:PORT by gRPC's health protocol whether it serves, over a connection of
// its own: a server that can take no more connections is not well, whatever those that it has say.
// With TLS if it has a certificate; then the probe shows the same one, which a server that asks
// clients for theirs accepts if it comes from its own `ca`.
//
// A host of all addresses, such as 0.0.0.0, stands for this machine. UNAVAILABLE with the reason if
// it does not serve, or does not answer in time.
absl::Status ProbeHealth(const std::string& address, const TlsFiles& tls,
                         std::chrono::milliseconds timeout);

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_HEALTH_PROBE_H_
