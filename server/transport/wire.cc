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
namespace {

double ParsedBytesOf(const grpc::ByteBuffer& bytes, const google::protobuf::Descriptor& type) {
  // The reader wants a buffer that is not const, but only counts its users.
  grpc::ByteBuffer shared = bytes;
  grpc::ProtoBufferReader reader(&shared);
  return reader.status().ok() ? ParsedBytes(type, &reader) : 0;
}

}  // namespace

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, double max_bytes,
                          google::protobuf::Message* message, double* parsed_bytes) {
  const google::protobuf::Descriptor& type = *message->GetDescriptor();
  const bool is_small = bytes.Length() <= kSmallMessageBytes;
  if (!is_small || parsed_bytes != nullptr) {
    const double estimate = ParsedBytesOf(bytes, type);
    if (!is_small && estimate > max_bytes) {
      return FieldError("", Reason::kLimitExceeded,
                        fmt::format("the {} takes about {:.0f} bytes of memory once it is read, "
                                    "the limit is {:.0f}",
                                    std::string(type.name()), estimate, max_bytes));
    }
    if (parsed_bytes != nullptr) *parsed_bytes = estimate;
  }
  grpc::ByteBuffer shared = bytes;
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
