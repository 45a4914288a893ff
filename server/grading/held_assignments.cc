#include "server/grading/held_assignments.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "server/status/field_error.h"

namespace gradus {
namespace {

v1::Item WithoutKey(const v1::Item& item) {
  v1::Item shown;
  shown.set_id(item.id());
  shown.set_problem(item.problem());
  if (item.key_case() == v1::Item::kQuantity) shown.set_quantity(item.quantity());
  if (item.has_points()) shown.set_points(item.points());
  if (item.has_tolerance()) *shown.mutable_tolerance() = item.tolerance();
  if (item.has_required_digits()) *shown.mutable_required_digits() = item.required_digits();
  return shown;
}

}  // namespace

v1::GetAssignmentResponse WithoutKey(const CompiledAssignment& assignment) {
  const v1::Assignment& definition = assignment.definition();
  v1::GetAssignmentResponse response;
  v1::Assignment& shown = *response.mutable_assignment();
  shown.set_name(definition.name());
  if (definition.has_policy()) *shown.mutable_policy() = definition.policy();
  for (const v1::Item& item : definition.items()) *shown.add_items() = WithoutKey(item);
  if (definition.policy().publishes_problems()) {
    *shown.mutable_problems() = definition.problems();
    *shown.mutable_symbols() = definition.symbols();
  }
  for (const CompiledItem& item : assignment.items()) {
    v1::ItemShape& shape = *response.add_shapes();
    shape.set_item(item.id);
    for (const int64_t length : item.key.shape().lengths()) shape.add_shape(length);
  }
  return response;
}

v1::ListAssignmentsResponse ListAssignments(const AssignmentStore& assignments) {
  v1::ListAssignmentsResponse response;
  for (const std::string& name : assignments.Names()) response.add_names(name);
  return response;
}

absl::Status GetAssignment(const v1::GetAssignmentRequest& request,
                           const AssignmentStore& assignments,
                           v1::GetAssignmentResponse* response) {
  const absl::StatusOr<std::shared_ptr<const CompiledAssignment>> assignment =
      assignments.Find(request.name());
  if (!assignment.ok()) return WithFieldPrefix(assignment.status(), "name");
  *response = WithoutKey(**assignment);
  return absl::OkStatus();
}

}  // namespace gradus
