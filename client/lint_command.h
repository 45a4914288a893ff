#ifndef GRADUS_CLIENT_LINT_COMMAND_H_
#define GRADUS_CLIENT_LINT_COMMAND_H_

#include <string>
#include <string_view>

#include "client/connection.h"
#include "client/console.h"
#include "gradus/v1/grading_service.pb.h"

namespace gradus {

struct LintOptions {
  std::string assignment;  // path of the file
  bool json = false;       // the LintAssignmentResponse instead of text
  ConnectionOptions connection;
};

// gradus lint: prints which wrong answers an assignment would accept. It is done whatever it finds.
ExitCode RunLint(const LintOptions& options);

// The findings on an assignment of that name as a table for people.
std::string LintText(std::string_view assignment, const v1::LintAssignmentResponse& response);

}  // namespace gradus

#endif  // GRADUS_CLIENT_LINT_COMMAND_H_
