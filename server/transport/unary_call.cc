#include "server/transport/unary_call.h"

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "spdlog/spdlog.h"

#include "server/transport/status_conversion.h"

namespace gradus {

absl::Status WithoutExceptions(const char* method, const std::function<absl::Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& error) {
    spdlog::error("{}: {}", method, error.what());
    return absl::InternalError("internal error; the server's log says more");
  }
}

absl::Status QueueIsFull() {
  return absl::UnavailableError("all workers are busy and the queue is full; try again");
}

void UnaryCall::Run(const std::function<absl::Status()>& work) {
  Answer(WithoutExceptions(method_, work));
}

void UnaryCall::RunOn(ComputePool& pool, std::function<absl::Status()> work) {
  const bool queued = pool.TrySubmit([this, work = std::move(work)] {
    // Nobody waits for it any more.
    if (cancelled()) return Answer(absl::CancelledError("cancelled by the caller"));
    Run(work);
  });
  if (!queued) Answer(QueueIsFull());
}

void UnaryCall::Answer(const absl::Status& status) {
  // Messages quote what the client sent; at debug level only, and never numbers of a student.
  spdlog::debug("{} {}", method_, absl::StatusCodeToString(status.code()));
  Finish(ToGrpcStatus(status));
}

}  // namespace gradus
