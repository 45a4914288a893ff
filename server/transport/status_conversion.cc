#include "server/transport/status_conversion.h"

#include <optional>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "server/status/field_error.h"

namespace gradus {

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // Both have the codes of google.rpc.Code.
  static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) ==
                static_cast<int>(grpc::StatusCode::UNAUTHENTICATED));
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message(status.message());
  const std::optional<FieldViolation> violation = GetFieldViolation(status);
  if (!violation.has_value()) return {code, message};

  google::rpc::BadRequest bad_request;
  auto* field_violation = bad_request.add_field_violations();
  field_violation->set_field(violation->field);
  field_violation->set_description(violation->description);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(ReasonName(violation->reason)));
  info.set_domain("gradus.v1");
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  details.add_details()->PackFrom(bad_request);
  details.add_details()->PackFrom(info);
  return {code, message, details.SerializeAsString()};
}

}  // namespace gradus
