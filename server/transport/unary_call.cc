#include "server/transport/unary_call.h"

#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "spdlog/spdlog.h"

#include "fmt/format.h"
#include "server/transport/status_conversion.h"
#include "server/transport/wire.h"

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
                     grpc::CallbackServerContext* context, const grpc::ByteBuffer* request_bytes,
                     grpc::ByteBuffer* response_bytes, std::unique_ptr<Message> request,
                     std::unique_ptr<Message> response)
    : settings_(settings),
      context_(*context),
      request_bytes_(*request_bytes),
      response_bytes_(*response_bytes),
      request_(std::move(request)),
      response_(std::move(response)),
      call_(settings, method, *context) {
  call_.AddRequest(request_bytes_.Length());
}

bool UnaryCall::IsSmall() const { return request_bytes_.Length() <= kSmallMessageBytes; }

absl::Status UnaryCall::ReadRequest() {
  if (!admission().ok()) return admission();
  if (is_read_) return absl::OkStatus();
  is_read_ = true;
  return WithoutExceptions(call_.method(), [&] {
    return ParseMessage(request_bytes_, settings_.max_message_bytes, request_.get());
  });
}

void UnaryCall::Run(const std::function<absl::Status()>& work) {
  const Clock::time_point begun = Clock::now();
  absl::Status status = ReadRequest();
  if (status.ok()) status = WithoutExceptions(call_.method(), work);
  if (status.ok()) status = WithoutExceptions(call_.method(), [&] { return WriteResponse(); });
  // Not later: to free a large message is nothing for gRPC's threads.
  request_.reset();
  response_.reset();
  if (admission().ok()) call_.AddComputed(Clock::now() - begun);
  Answer(std::move(status));
}

void UnaryCall::RunOn(ComputePool& pool, std::function<absl::Status()> work) {
  if (!admission().ok()) return Refuse(admission());
  LimitDuration();
  auto run = [this, submitted = Clock::now(), work = std::move(work)] {
    call_.AddQueued(Clock::now() - submitted);
    // Nobody waits for it any more.
    if (cancelled()) return Answer(absl::CancelledError("cancelled by the caller"));
    Run(work);
  };
  const auto refuse = [this] { Answer(QueueIsFull()); };
  if (!pool.TrySubmit(call_.TurnName(), {.run = std::move(run), .refuse = refuse})) refuse();
}

void UnaryCall::Refuse(const absl::Status& error) {
  Answer(admission().ok() ? error : admission());
}

absl::Status UnaryCall::WriteResponse() {
  absl::Status status = WriteMessage(*response_, &response_bytes_);
  if (status.ok()) call_.AddResponse(response_bytes_.Length());
  return status;
}

void UnaryCall::Answer(absl::Status status) {
  if (absl::IsCancelled(status) && is_overdue_.load(std::memory_order_relaxed)) {
    status = absl::DeadlineExceededError(
        fmt::format("not done after {} ms, which is the longest that a call without a deadline of "
                    "its own may take",
                    settings_.max_duration.count()));
  }
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
