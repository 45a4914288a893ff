#ifndef GRADUS_SERVER_GRADING_HELD_ASSIGNMENTS_H_
#define GRADUS_SERVER_GRADING_HELD_ASSIGNMENTS_H_

#include "absl/status/status.h"

#include "gradus/v1/grading_service.pb.h"
#include "server/grading/assignment_store.h"

namespace gradus {

// Answers a ListAssignments request.
v1::ListAssignmentsResponse ListAssignments(const AssignmentStore& assignments);

// Answers a GetAssignment request. Errors: NOT_FOUND with the path `name`.
absl::Status GetAssignment(const v1::GetAssignmentRequest& request,
                           const AssignmentStore& assignments, v1::GetAssignmentResponse* response);

// What students may see of an assignment: the one place where the key is removed. Takes over what
// may be told, field by field, so that a field which is new stays untold.
v1::GetAssignmentResponse WithoutKey(const CompiledAssignment& assignment);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_HELD_ASSIGNMENTS_H_
