#ifndef GRADUS_SERVER_FILES_JSON_H_
#define GRADUS_SERVER_FILES_JSON_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace gradus {

// Reads protobuf's JSON into `message`. An unknown field is an error. Errors are INVALID_ARGUMENT.
absl::Status ParseJson(const std::string& text, google::protobuf::Message* message);

// kAll writes numbers, strings and lists that have their default value too, so that a reader finds
// every field; kSet leaves them out, as protobuf's JSON usually does.
enum class JsonFields { kSet, kAll };

// Protobuf's JSON of `message`, indented, with a line break at the end.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message, JsonFields fields);

}  // namespace gradus

#endif  // GRADUS_SERVER_FILES_JSON_H_
