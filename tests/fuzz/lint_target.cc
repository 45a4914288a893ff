#include <atomic>

#include "gradus/v1/grading_service.pb.h"
#include "server/grading/lint.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/target.h"

namespace gradus::testing {

void FuzzLint(std::string_view input) {
  v1::LintAssignmentRequest request;
  if (!ReadInput(input, &request)) return;
  const std::atomic<bool> cancelled = false;
  v1::LintAssignmentResponse response;
  const absl::Status status = Lint(request, FuzzLimits(), cancelled, &response);
  RequireAnswer(status);
  if (!status.ok()) return;
  RequireSendable(response);
  Require(response.accepted_count() >= 0 && response.accepted_count() <= response.tried_count(),
          "what is accepted has been tried");
  for (const v1::LintFinding& finding : response.findings()) {
    Require(finding.credit() >= 0 && finding.credit() <= 1, "a credit is from 0 to 1");
  }
}

}  // namespace gradus::testing
