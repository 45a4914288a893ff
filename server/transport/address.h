#ifndef GRADUS_SERVER_TRANSPORT_ADDRESS_H_
#define GRADUS_SERVER_TRANSPORT_ADDRESS_H_

#include <string_view>

namespace gradus {

// True if what goes to HOST:PORT stays on this machine: `localhost`, 127.0.0.0/8, [::1], or a
// socket in the file system (unix:...). Anything else is false, also where a name would resolve to
// one of them: names may be resolved to something else tomorrow.
bool IsLocalAddress(std::string_view address);

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_ADDRESS_H_
