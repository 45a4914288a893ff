#ifndef GRADUS_CLIENT_ASSIGNMENTS_COMMAND_H_
#define GRADUS_CLIENT_ASSIGNMENTS_COMMAND_H_

#include <string>

#include "client/connection.h"
#include "client/console.h"
#include "gradus/v1/grading_service.pb.h"

namespace gradus {

struct AssignmentsOptions {
  std::string name;   // empty: list the names
  bool json = false;  // the response instead of text
  ConnectionOptions connection;
};

// gradus assignments: prints the names of the assignments that a server holds, or what it tells of
// one of them.
ExitCode RunAssignments(const AssignmentsOptions& options);

// The items of an assignment, as a table for people.
std::string AssignmentText(const v1::GetAssignmentResponse& response);

}  // namespace gradus

#endif  // GRADUS_CLIENT_ASSIGNMENTS_COMMAND_H_
