#include "client/submission_files.h"

#include <filesystem>
#include <iterator>
#include <system_error>

#include "fmt/format.h"
#include "server/files/message_file.h"

namespace gradus {
namespace {

absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& folder) {
  absl::StatusOr<std::vector<std::string>> files = ListMessageFiles(folder);
  if (files.ok() && files->empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: no submission in this folder; their names end in .txtpb, .textproto or "
                    ".pbtxt for text, .json for JSON, .binpb or .pb for binary",
                    folder));
  }
  return files;
}

}  // namespace

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

absl::StatusOr<std::vector<std::string>> ListSubmissionFiles(
    const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!IsFolder(path)) {
      files.push_back(path);
      continue;
    }
    absl::StatusOr<std::vector<std::string>> in_folder = ListFolder(path);
    if (!in_folder.ok()) return in_folder.status();
    std::move(in_folder->begin(), in_folder->end(), std::back_inserter(files));
  }
  return files;
}

}  // namespace gradus
