#ifndef GRADUS_CLIENT_SUBMISSION_FILES_H_
#define GRADUS_CLIENT_SUBMISSION_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace gradus {

// The files of submissions that paths name, in their order. A folder stands for those of its files
// that end in .txtpb, .json or .binpb, sorted by name; hidden ones, whose names begin with a dot,
// and what is in folders of its own are left out. Any other path is taken for a file, as it is.
//
// A folder that cannot be read or has no such file is INVALID_ARGUMENT, with its path before the
// message.
absl::StatusOr<std::vector<std::string>> SubmissionFiles(const std::vector<std::string>& paths);

}  // namespace gradus

#endif  // GRADUS_CLIENT_SUBMISSION_FILES_H_
