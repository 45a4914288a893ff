#include "server/transport/status_conversion.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

#include "server/status/field_error.h"

namespace gradus {
namespace {

// Type of the payload that carries a reason inside a status.
constexpr char kReasonType[] = "gradus.v1/reason";

void AddErrorInfo(std::string reason, google::rpc::Status* message) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::move(reason));
  info.set_domain("gradus.v1");
  message->add_details()->PackFrom(info);
}

}  // namespace

absl::Status WithReason(absl::Status status, std::string_view reason) {
  status.SetPayload(kReasonType, absl::Cord(std::string(reason)));
  return status;
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status message;
  // All three have the codes of google.rpc.Code.
  message.set_code(static_cast<int>(status.code()));
  message.set_message(std::string(status.message()));
  if (const auto reason = status.GetPayload(kReasonType); reason.has_value()) {
    AddErrorInfo(std::string(*reason), &message);
  }
  const std::optional<FieldViolation> violation = GetFieldViolation(status);
  if (!violation.has_value()) return message;

  google::rpc::BadRequest bad_request;
  auto* field_violation = bad_request.add_field_violations();
  field_violation->set_field(violation->field);
  field_violation->set_description(violation->description);
  message.add_details()->PackFrom(bad_request);
  AddErrorInfo(std::string(ReasonName(violation->reason)), &message);
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
