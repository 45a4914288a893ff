#ifndef GRADUS_SERVER_FILES_WHOLE_FILE_H_
#define GRADUS_SERVER_FILES_WHOLE_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace gradus {

// All bytes of a file; also of a pipe or a device, which do not tell their size. INVALID_ARGUMENT,
// with a message that does not name the file, if it cannot be read: "No such file or directory"; or
// has more than `max_bytes`, a number of whole MiB: "larger than 64 MiB".
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t max_bytes);

}  // namespace gradus

#endif  // GRADUS_SERVER_FILES_WHOLE_FILE_H_
