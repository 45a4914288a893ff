#ifndef GRADUS_CLIENT_SERVICE_CONFIG_H_
#define GRADUS_CLIENT_SERVICE_CONFIG_H_

#include <string_view>

namespace gradus {

// The bytes of service_config.json, what gRPC should do of itself for callers of Gradus: spread
// calls over all addresses of a server's name, ask each by its health service whether it serves,
// and make a call again, up to four times, that ends UNAVAILABLE before anything is answered. No
// method changes anything, so to make a call twice does no harm.
std::string_view ServiceConfig();

}  // namespace gradus

#endif  // GRADUS_CLIENT_SERVICE_CONFIG_H_
