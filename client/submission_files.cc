#include "client/submission_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"

#include "fmt/format.h"

namespace gradus {
namespace {

bool IsSubmission(const std::filesystem::path& file) {
  const std::string extension = file.extension().string();
  return (extension == ".txtpb" || extension == ".json" || extension == ".binpb") &&
         !file.filename().string().starts_with('.');
}

absl::StatusOr<std::vector<std::string>> FilesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  // Incremented by hand: the loop over a range throws.
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code is_no_file;
    if (entry->is_regular_file(is_no_file) && IsSubmission(entry->path())) {
      files.push_back(entry->path().string());
    }
  }
  if (error) return absl::InvalidArgumentError(fmt::format("{}: {}", folder, error.message()));
  if (files.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: the folder has no submissions; their files end in .txtpb, .json or .binpb", folder));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SubmissionFiles(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code is_no_folder;
    if (!std::filesystem::is_directory(path, is_no_folder)) {
      files.push_back(path);
      continue;
    }
    const absl::StatusOr<std::vector<std::string>> in_folder = FilesIn(path);
    if (!in_folder.ok()) return in_folder.status();
    files.insert(files.end(), in_folder->begin(), in_folder->end());
  }
  return files;
}

}  // namespace gradus
