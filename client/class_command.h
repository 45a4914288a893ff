#ifndef GRADUS_CLIENT_CLASS_COMMAND_H_
#define GRADUS_CLIENT_CLASS_COMMAND_H_

#include <string>
#include <vector>

#include "client/connection.h"
#include "client/console.h"
#include "gradus/v1/class_report.pb.h"

namespace gradus {

struct ClassOptions {
  std::string assignment;                // path of the file
  std::vector<std::string> submissions;  // paths of files and folders
  bool json = false;                     // the ClassReport instead of text
  ConnectionOptions connection;
};

// gradus class: grades all submissions, at the level of the assignment, and prints what their
// reports say together. Those that cannot be graded are not in it; it is not printed where not all
// could be tried (GradeEach).
ExitCode RunClass(const ClassOptions& options);

// A class report as tables for people.
std::string ClassText(const v1::ClassReport& report);

}  // namespace gradus

#endif  // GRADUS_CLIENT_CLASS_COMMAND_H_
