#ifndef GRADUS_CLIENT_GRADE_COMMAND_H_
#define GRADUS_CLIENT_GRADE_COMMAND_H_

#include <string>
#include <vector>

#include "client/connection.h"
#include "client/console.h"
#include "client/report_text.h"

namespace gradus {

struct GradeOptions {
  // Path of the file; or "@homework", the assignment of that name that the server holds.
  std::string assignment;
  std::vector<std::string> submissions;  // paths of files and folders, as ListSubmissionFiles takes
  // JSON instead of text: the GradeReport of one submission, an array of them for several files or
  // a folder.
  bool json = false;
  ListedItems listed = ListedItems::kNotCorrect;  // in text
  ConnectionOptions connection;
};

// gradus grade: grades the submissions, many at a time, and prints their reports in the order
// given. A submission that cannot be graded has no report, and does not keep the others from
// theirs.
ExitCode RunGrade(const GradeOptions& options);

}  // namespace gradus

#endif  // GRADUS_CLIENT_GRADE_COMMAND_H_
