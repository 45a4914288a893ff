#include <atomic>

#include "gradus/v1/gradient_service.pb.h"
#include "server/checking/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/target.h"

namespace gradus::testing {

void FuzzCheck(std::string_view input) {
  v1::CheckRequest request;
  if (!ReadInput(input, &request)) return;
  const std::atomic<bool> cancelled = false;
  v1::CheckResponse response;
  const absl::Status status = Check(request, FuzzLimits(), cancelled, &response);
  RequireAnswer(status);
  if (status.ok()) RequireSendable(response);
}

}  // namespace gradus::testing
