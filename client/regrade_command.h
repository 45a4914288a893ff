#ifndef GRADUS_CLIENT_REGRADE_COMMAND_H_
#define GRADUS_CLIENT_REGRADE_COMMAND_H_

#include <string>
#include <vector>

#include "client/connection.h"
#include "client/console.h"
#include "gradus/v1/class_report.pb.h"
#include "server/grading/regrade.h"

namespace gradus {

struct RegradeOptions {
  std::string old_assignment;  // path of the file, as the next
  std::string new_assignment;
  std::vector<std::string> submissions;  // paths of files and folders
  LoweredScore lowered_score = LoweredScore::kCounts;
  bool json = false;  // the RegradeReport instead of text
  ConnectionOptions connection;
};

// gradus regrade: grades all submissions by both assignments, at the lower of their levels, and
// prints what changes. Those that cannot be graded by both are not in it; it is not printed where
// not all could be tried (GradeEach).
ExitCode RunRegrade(const RegradeOptions& options);

// What changes, for people: the totals and the changed items of each submission, then how many
// there are of each kind.
std::string RegradeText(const v1::RegradeReport& report);

}  // namespace gradus

#endif  // GRADUS_CLIENT_REGRADE_COMMAND_H_
