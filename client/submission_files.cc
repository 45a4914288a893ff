#include "client/submission_files.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "client/message_file.h"
#include "fmt/format.h"

namespace gradus {
namespace {

absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string path = entry->path().string();
    const bool is_hidden = entry->path().filename().string().starts_with('.');
    if (is_hidden || !IsMessageFile(path) || IsFolder(path)) continue;
    files.push_back(path);
  }
  if (error) return absl::InvalidArgumentError(fmt::format("{}: {}", folder, error.message()));
  if (files.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: no submission in this folder; their names end in .txtpb, .textproto or "
                    ".pbtxt for text, .json for JSON, .binpb or .pb for binary",
                    folder));
  }
  std::sort(files.begin(), files.end());
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
