#ifndef GRADUS_SERVER_TRANSPORT_WIRE_H_
#define GRADUS_SERVER_TRANSPORT_WIRE_H_

#include <cstddef>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include <grpcpp/support/byte_buffer.h>

namespace gradus {

// Messages as bytes, which gRPC hands over and takes. Services get bytes and not messages, so that
// they decide on which thread a message is parsed, whether at all, and what a caller is told whose
// bytes are no message.

// Longer messages are left to the pool. Parsing these takes some 10 µs, and 1 ms if they are made
// for it, of the smallest things that there are.
inline constexpr size_t kSmallMessageBytes = size_t{4} * 1024;

// Parses `bytes` into `message`. INVALID_ARGUMENT, with the reason LIMIT_EXCEEDED if it would take
// more than `max_bytes` of memory, found out before that, or MALFORMED_REQUEST if it cannot be
// parsed. `parsed_bytes`, unless null, is set to about how many bytes of memory it takes.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, double max_bytes,
                          google::protobuf::Message* message, double* parsed_bytes = nullptr);

// INTERNAL if the message has more bytes than protobuf can write, 2 GiB.
absl::Status WriteMessage(const google::protobuf::Message& message, grpc::ByteBuffer* bytes);

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_WIRE_H_
