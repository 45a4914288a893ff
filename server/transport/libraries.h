#ifndef GRADUS_SERVER_TRANSPORT_LIBRARIES_H_
#define GRADUS_SERVER_TRANSPORT_LIBRARIES_H_

#include <string>
#include <string_view>

namespace gradus {

// The libraries that the server runs with, one a line: "gRPC 1.51.1".
std::string LibraryVersions();

// What to know about this gRPC before a server is put on the internet; empty from 1.65.4 on.
std::string GrpcWarning(std::string_view grpc_version);
// The same for the gRPC that is linked.
std::string GrpcWarning();

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_LIBRARIES_H_
