#include <atomic>

#include "gradus/v1/gradient_service.pb.h"
#include "server/engine/evaluation.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/target.h"

namespace gradus::testing {
namespace {

// An estimate of a response may be wrong by so much.
constexpr size_t kSlackBytes = 16384;

template <class Response, class Request>
void Compute(const Request& request) {
  const Limits limits = FuzzLimits();
  const absl::StatusOr<Evaluation> evaluation = Prepare(request, limits);
  RequireAnswer(evaluation.status());
  if (!evaluation.ok()) return;
  const std::atomic<bool> cancelled = false;
  Response response;
  const absl::Status status = Run(*evaluation, cancelled, &response);
  RequireAnswer(status);
  if (!status.ok()) return;
  RequireSendable(response);
  Require(response.ByteSizeLong() <= static_cast<size_t>(limits.max_response_bytes) + kSlackBytes,
          "a response stays below its limit");
}

}  // namespace

void FuzzCompute(std::string_view input) {
  v1::StepRequest step;
  if (!ReadInput(input, &step)) return;
  // The three requests have the same fields.
  const std::string bytes = step.SerializeAsString();
  v1::ForwardRequest forward;
  v1::BackwardRequest backward;
  Require(forward.ParseFromString(bytes) && backward.ParseFromString(bytes),
          "a StepRequest is a ForwardRequest and a BackwardRequest");
  Compute<v1::ForwardResponse>(forward);
  Compute<v1::BackwardResponse>(backward);
  Compute<v1::StepResponse>(step);
}

}  // namespace gradus::testing
