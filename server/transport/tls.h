#ifndef GRADUS_SERVER_TRANSPORT_TLS_H_
#define GRADUS_SERVER_TRANSPORT_TLS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

namespace gradus {

// Files in PEM that a side of a TLS connection uses.
struct TlsFiles {
  // What this side shows: its certificate, with those between it and the root behind it, and the
  // private key, without a passphrase. Both or none.
  std::string certificate = {};
  std::string key = {};
  // The roots that the other side's certificate must come from. For a server: empty asks clients
  // for no certificate.
  std::string ca = {};
  // A server looks at its files this often, and takes new ones for new connections. Replace the
  // certificate and the key together; while they do not match, new connections fail.
  unsigned int reload_seconds = 10;
};

// All return INVALID_ARGUMENT, with a message that names the file, for one that cannot be read or
// is not what it should be, a certificate that has expired, and a key that belongs to another one.

// For a server, which needs a certificate.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files);

// For a client, which needs `ca`.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(const TlsFiles& files);

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_TLS_H_
