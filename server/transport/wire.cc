#include "server/transport/wire.h"

#include <climits>
#include <string>

#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include "fmt/format.h"
#include "server/status/field_error.h"
#include "server/transport/parsed_size.h"
#include "server/transport/status_conversion.h"

namespace gradus {

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, double max_bytes,
                          google::protobuf::Message* message) {
  const google::protobuf::Descriptor& type = *message->GetDescriptor();
  // The reader wants a buffer that is not const, but only counts its users.
  grpc::ByteBuffer shared = bytes;
  if (bytes.Length() > kSmallMessageBytes) {
    if (const double parsed_bytes = ParsedBytes(bytes, type); parsed_bytes > max_bytes) {
      return FieldError("", Reason::kLimitExceeded,
                        fmt::format("the {} takes about {:.0f} bytes of memory once it is read, "
                                    "the limit is {:.0f}",
                                    std::string(type.name()), parsed_bytes, max_bytes));
    }
  }
  grpc::ProtoBufferReader reader(&shared);
  if (!reader.status().ok() || !message->ParseFromZeroCopyStream(&reader)) {
    return WithReason(absl::InvalidArgumentError(fmt::format(
                          "the bytes are no {}: cut short, of another type, nested too deeply, or "
                          "with text that is not UTF-8",
                          std::string(type.full_name()))),
                      kMalformedRequest);
  }
  return absl::OkStatus();
}

double ParsedBytes(const grpc::ByteBuffer& bytes, const google::protobuf::Descriptor& type) {
  grpc::ByteBuffer shared = bytes;
  grpc::ProtoBufferReader reader(&shared);
  return reader.status().ok() ? ParsedBytes(type, &reader) : 0;
}

absl::Status WriteMessage(const google::protobuf::Message& message, grpc::ByteBuffer* bytes) {
  const size_t size = message.ByteSizeLong();
  if (size > size_t{INT_MAX}) return absl::InternalError("the response has more than 2 GiB");
  grpc::ProtoBufferWriter writer(bytes, grpc::kProtoBufferWriterMaxBufferLength,
                                 static_cast<int>(size));
  if (!message.SerializeToZeroCopyStream(&writer)) {
    return absl::InternalError("the response cannot be written");
  }
  return absl::OkStatus();
}

}  // namespace gradus
