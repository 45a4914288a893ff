#include "server/files/whole_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "absl/status/status.h"

#include "fmt/format.h"

namespace gradus {

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t max_bytes) {
  const auto error = [](int number) {
    return absl::InvalidArgumentError(std::generic_category().message(number));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) return error(errno);
  std::string contents;
  char chunk[size_t{64} * 1024];
  while (const size_t size = std::fread(chunk, 1, sizeof(chunk), file.get())) {
    contents.append(chunk, size);
    if (contents.size() > max_bytes) {
      return absl::InvalidArgumentError(fmt::format("larger than {} MiB", max_bytes >> 20));
    }
  }
  if (std::ferror(file.get()) != 0) return error(errno);
  return contents;
}

}  // namespace gradus
