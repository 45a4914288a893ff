#include "server/transport/small_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/status/status.h"

#include "fmt/format.h"

namespace gradus {

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{16} << 20;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxBytes + 1, '\0');
  // A directory can be opened, but not read.
  if (!file || (file.read(text.data(), static_cast<std::streamsize>(text.size())), file.bad())) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: cannot be read: {}", path, errno != 0 ? std::strerror(errno) : "input error"));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.empty()) return absl::InvalidArgumentError(fmt::format("{}: is empty", path));
  if (text.size() > kMaxBytes) {
    return absl::InvalidArgumentError(fmt::format("{}: larger than {} bytes", path, kMaxBytes));
  }
  return text;
}

}  // namespace gradus
