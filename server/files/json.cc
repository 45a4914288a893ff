#include "server/files/json.h"

#include "google/protobuf/util/json_util.h"

#include "fmt/format.h"
#include "server/compatibility.h"

namespace gradus {
namespace {

// Syntax errors come as "Expected a value.\nEXCERPT\n   ^". The excerpt may have line breaks of its
// own, so the caret points nowhere.
std::string OnOneLine(const std::string& message) {
  const size_t first = message.find('\n');
  const size_t last = message.rfind('\n');
  if (first == std::string::npos || last <= first + 1) return message.substr(0, first);
  return fmt::format("{} Near: {}", message.substr(0, first),
                     message.substr(first + 1, last - first - 1));
}

}  // namespace

absl::Status ParseJson(const std::string& text, google::protobuf::Message* message) {
  const auto status = google::protobuf::util::JsonStringToMessage(text, message);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(OnOneLine(std::string(status.message())));
}

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message, JsonFields fields) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  PrintDefaults(fields == JsonFields::kAll, &options);
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError(std::string(status.message()));
  return json;
}

}  // namespace gradus
