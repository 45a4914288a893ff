#ifndef GRADUS_CLIENT_SUBMISSION_FILES_H_
#define GRADUS_CLIENT_SUBMISSION_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace gradus {

// True if `path` is a folder.
bool IsFolder(const std::string& path);

// The files that `paths` mean, in this order: a folder stands for what ListMessageFiles finds in
// it. Files are taken as they are: whether one can be read, reading it tells.
//
// A folder with no such file, or that cannot be read, is INVALID_ARGUMENT with its path.
absl::StatusOr<std::vector<std::string>> ListSubmissionFiles(const std::vector<std::string>& paths);

}  // namespace gradus

#endif  // GRADUS_CLIENT_SUBMISSION_FILES_H_
