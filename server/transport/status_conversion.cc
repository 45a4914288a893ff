#include "server/transport/status_conversion.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

#include "server/status/field_error.h"
#include "server/status/text.h"

namespace gradus {
namespace {

// Type of the payload that carries a reason inside a status.
constexpr char kReasonType[] = "gradus.v1/reason";

// The parts of an error may be as long as this: together below kMaxErrorBytes, with some 300 bytes
// for the types and the reason.
constexpr size_t kMaxMessageBytes = 2048;
constexpr size_t kMaxFieldBytes = 512;
constexpr size_t kMaxDescriptionBytes = 1024;

constexpr std::string_view kEllipsis = "...";

// How many bytes gRPC writes for a byte of a message: it escapes all but printable ASCII.
size_t WrittenBytes(char c) { return c >= ' ' && c <= '~' && c != '%' ? 1 : 3; }

size_t WrittenBytes(std::string_view message) {
  size_t bytes = 0;
  for (const char c : message) bytes += WrittenBytes(c);
  return bytes;
}

// UTF-8 text of at most so many bytes: cut between characters, with "..." behind, if it has more.
std::string Cut(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  return std::string(CutUtf8(text, max_bytes - kEllipsis.size())).append(kEllipsis);
}

// The same by the bytes that gRPC writes.
std::string CutMessage(std::string_view text) {
  if (WrittenBytes(text) <= kMaxMessageBytes) return std::string(text);
  size_t kept = 0;
  for (size_t written = kEllipsis.size() + WrittenBytes(text[0]); written <= kMaxMessageBytes;
       written += WrittenBytes(text[kept])) {
    ++kept;
  }
  return std::string(CutUtf8(text, kept)).append(kEllipsis);
}

void AddDetail(const google::protobuf::Message& detail, google::rpc::Status* message) {
  // Fails only for what is larger than 2 GiB; without it, the code and the message are right.
  if (google::protobuf::Any any; any.PackFrom(detail)) *message->add_details() = std::move(any);
}

void AddErrorInfo(std::string reason, google::rpc::Status* message) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::move(reason));
  info.set_domain("gradus.v1");
  AddDetail(info, message);
}

}  // namespace

absl::Status WithReason(absl::Status status, std::string_view reason) {
  status.SetPayload(kReasonType, absl::Cord(std::string(reason)));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  if (const auto reason = status.GetPayload(kReasonType); reason.has_value()) {
    return std::string(*reason);
  }
  const std::optional<FieldViolation> violation = GetFieldViolation(status);
  return violation.has_value() ? std::string(ReasonName(violation->reason)) : std::string();
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status message;
  // All three have the codes of google.rpc.Code.
  message.set_code(static_cast<int>(status.code()));
  message.set_message(CutMessage(std::string(status.message())));
  if (const std::optional<FieldViolation> violation = GetFieldViolation(status)) {
    google::rpc::BadRequest bad_request;
    auto* field_violation = bad_request.add_field_violations();
    field_violation->set_field(Cut(violation->field, kMaxFieldBytes));
    field_violation->set_description(Cut(violation->description, kMaxDescriptionBytes));
    AddDetail(bad_request, &message);
  }
  if (std::string reason = ReasonOf(status); !reason.empty()) {
    AddErrorInfo(std::move(reason), &message);
  }
  return message;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) ==
                static_cast<int>(grpc::StatusCode::UNAUTHENTICATED));
  const google::rpc::Status message = ToRpcStatus(status);
  const auto code = static_cast<grpc::StatusCode>(message.code());
  if (message.details_size() == 0) return {code, message.message()};
  return {code, message.message(), message.SerializeAsString()};
}

}  // namespace gradus
