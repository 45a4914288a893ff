#include "tests/fuzz/promise.h"

#include <stdexcept>
#include <string>

#include "google/rpc/status.pb.h"

#include "fmt/format.h"
#include "server/compatibility.h"
#include "server/status/field_error.h"

namespace gradus::testing {
namespace {

// Protobuf refuses to read a string that is not UTF-8.
bool IsUtf8(std::string_view text) {
  // And would tell so on standard error.
  const ProtobufSilence silence;
  google::rpc::Status message;
  message.set_message(std::string(text));
  return message.ParseFromString(message.SerializeAsString());
}

}  // namespace

Limits FuzzLimits() {
  return {.max_request_bytes = 1 << 16,
          .max_names = 64,
          .max_operands = 256,
          .max_tensor_elements = 4096,
          .max_bytes = 1 << 20,
          .max_response_bytes = 1 << 19,
          .max_flops = 3e6};
}

void Require(bool is_kept, std::string_view promise) {
  if (!is_kept) throw std::logic_error(fmt::format("not so: {}", promise));
}

void RequireSendable(const google::protobuf::Message& message) {
  const std::unique_ptr<google::protobuf::Message> received(message.New());
  Require(received->ParseFromString(message.SerializeAsString()), "the response can be read");
}

void RequireUtf8(std::string_view text, std::string_view input) {
  Require(IsUtf8(text) || !IsUtf8(input), "a message about UTF-8 text is UTF-8");
}

void RequireAnswer(const absl::Status& status) {
  if (status.ok()) return;
  Require(IsUtf8(std::string_view(status.message().data(), status.message().size())),
          "an error message is UTF-8");
  const auto violation = GetFieldViolation(status);
  Require(violation.has_value() && !violation->field.empty(),
          fmt::format("an error names the field: {}", status.ToString()));
}

}  // namespace gradus::testing
