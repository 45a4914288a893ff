#ifndef GRADUS_PROTO_NETWORK_DESCRIPTOR_H_
#define GRADUS_PROTO_NETWORK_DESCRIPTOR_H_

#include <string_view>

namespace gradus {

// network.proto and what it imports as a serialized google.protobuf.FileDescriptorSet, with
// comments.
std::string_view NetworkDescriptorSet();

}  // namespace gradus

#endif  // GRADUS_PROTO_NETWORK_DESCRIPTOR_H_
