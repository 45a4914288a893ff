#include "server/transport/small_file.h"

#include <cstddef>

#include "absl/status/status.h"

#include "fmt/format.h"
#include "server/files/whole_file.h"

namespace gradus {

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{16} << 20;
  absl::StatusOr<std::string> text = ReadWholeFile(path, kMaxBytes);
  if (!text.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: cannot be read: {}", path, std::string(text.status().message())));
  }
  if (text->empty()) return absl::InvalidArgumentError(fmt::format("{}: is empty", path));
  return text;
}

}  // namespace gradus
