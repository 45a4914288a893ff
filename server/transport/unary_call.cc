#include "server/transport/unary_call.h"

#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "spdlog/spdlog.h"

#include "fmt/format.h"
#include "server/transport/status_conversion.h"

namespace gradus {

using Clock = std::chrono::steady_clock;

absl::Status WithoutExceptions(const Method& method, const std::function<absl::Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& error) {
    spdlog::error("{}: {}", method.name, error.what());
    return absl::InternalError("internal error; the server's log says more");
  }
}

absl::Status QueueIsFull() {
  return WithReason(absl::UnavailableError("all workers are busy and the queue is full; try again"),
                    kOverloaded);
}

UnaryCall::UnaryCall(const CallSettings& settings, const Method& method,
                     grpc::CallbackServerContext* context, const google::protobuf::Message* request,
                     const google::protobuf::Message* response)
    : settings_(settings),
      context_(*context),
      request_(*request),
      response_(*response),
      call_(settings, method, *context) {}

void UnaryCall::Run(const std::function<absl::Status()>& work) {
  if (!admission().ok()) return Answer(admission());
  const Clock::time_point begun = Clock::now();
  absl::Status status = WithoutExceptions(call_.method(), work);
  call_.AddComputed(Clock::now() - begun);
  Answer(std::move(status));
}

void UnaryCall::RunOn(ComputePool& pool, std::function<absl::Status()> work) {
  if (!admission().ok()) return Answer(admission());
  LimitDuration();
  const bool queued = pool.TrySubmit([this, submitted = Clock::now(), work = std::move(work)] {
    call_.AddQueued(Clock::now() - submitted);
    // Nobody waits for it any more.
    if (cancelled()) return Answer(absl::CancelledError("cancelled by the caller"));
    Run(work);
  });
  if (!queued) Answer(QueueIsFull());
}

void UnaryCall::Answer(absl::Status status) {
  if (!admission().ok()) status = admission();
  if (absl::IsCancelled(status) && is_overdue_.load(std::memory_order_relaxed)) {
    status = absl::DeadlineExceededError(
        fmt::format("not done after {} ms, which is the longest that a call without a deadline of "
                    "its own may take",
                    settings_.max_duration.count()));
  }
  // Not earlier: to measure a large request is nothing for gRPC's threads.
  call_.AddRequest(request_.ByteSizeLong());
  if (status.ok()) call_.AddResponse(response_.ByteSizeLong());
  call_.End(status);
  Finish(ToGrpcStatus(status));
}

void UnaryCall::LimitDuration() {
  if (context_.deadline() != std::chrono::system_clock::time_point::max()) return;
  has_alarm_ = true;
  holders_.fetch_add(1, std::memory_order_relaxed);
  alarm_.Set(std::chrono::system_clock::now() + settings_.max_duration, [this](bool expired) {
    if (expired) {
      is_overdue_.store(true, std::memory_order_relaxed);
      cancelled_.store(true, std::memory_order_relaxed);
    }
    Release();
  });
}

void UnaryCall::OnDone() {
  if (has_alarm_) alarm_.Cancel();
  Release();
}

void UnaryCall::Release() {
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

}  // namespace gradus
