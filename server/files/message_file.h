#ifndef GRADUS_SERVER_FILES_MESSAGE_FILE_H_
#define GRADUS_SERVER_FILES_MESSAGE_FILE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace gradus {

// Larger files are refused.
inline constexpr size_t kMaxFileBytes = size_t{64} << 20;

// True if the extension of `path` says a format that ReadMessageFile reads.
bool IsMessageFile(const std::string& path);

// The files in a folder that ReadMessageFile knows the format of, sorted by path; not those in
// folders below it, nor hidden ones, nor pipes and devices. Whether one can be read, reading it
// tells. INVALID_ARGUMENT with the path if the folder cannot be read.
absl::StatusOr<std::vector<std::string>> ListMessageFiles(const std::string& folder);

// Replaces `message` by what a file holds, in the format that its extension says: .txtpb,
// .textproto and .pbtxt are text, .json is JSON, .binpb and .pb are binary. An empty file is an
// error.
//
// Errors are INVALID_ARGUMENT, and their messages begin with the path; in a text file with line and
// column too, both counted from 1: "problem.txtpb:12:5: Expected ...".
absl::Status ReadMessageFile(const std::string& path, google::protobuf::Message* message);

// The same for a file that has been read: `path` says the format, and what errors begin with.
absl::Status ParseMessageFile(const std::string& path, const std::string& contents,
                              google::protobuf::Message* message);

// As ReadMessageFile, as a value: `ReadMessageFile<v1::Problem>("problem.txtpb")`.
template <class Message>
absl::StatusOr<Message> ReadMessageFile(const std::string& path) {
  Message message;
  if (absl::Status s = ReadMessageFile(path, &message); !s.ok()) return s;
  return message;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_FILES_MESSAGE_FILE_H_
