#ifndef GRADUS_SERVER_TRANSPORT_SMALL_FILE_H_
#define GRADUS_SERVER_TRANSPORT_SMALL_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace gradus {

// The text of a key, a certificate or a list of tokens. INVALID_ARGUMENT, with a message that names
// the file, if it cannot be read, is empty, or is larger than 16 MiB.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_SMALL_FILE_H_
