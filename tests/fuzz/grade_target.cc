#include <atomic>

#include "gradus/v1/grading_service.pb.h"
#include "server/grading/assignment_store.h"
#include "server/grading/grade.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/target.h"

namespace gradus::testing {

void FuzzGrade(std::string_view input) {
  v1::GradeRequest request;
  if (!ReadInput(input, &request)) return;
  const std::atomic<bool> cancelled = false;
  v1::GradeResponse response;
  const AssignmentStore none;
  const absl::Status status =
      Grade(request, v1::FEEDBACK_LEVEL_UNSPECIFIED, none, FuzzLimits(), cancelled, &response);
  RequireAnswer(status);
  if (!status.ok()) return;
  RequireSendable(response);
  const v1::GradeReport& report = response.report();
  Require(report.earned_points() >= 0 && report.earned_points() <= report.possible_points(),
          "points are from 0 to those that can be had");
  Require(report.items_size() == 0 || report.items_size() == request.assignment().items_size(),
          "every item is reported, or none");
}

}  // namespace gradus::testing
