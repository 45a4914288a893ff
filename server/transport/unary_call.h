#ifndef GRADUS_SERVER_TRANSPORT_UNARY_CALL_H_
#define GRADUS_SERVER_TRANSPORT_UNARY_CALL_H_

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include <grpcpp/support/server_callback.h>

#include "server/transport/compute_pool.h"

namespace gradus {

// What `work` returns, or an error in place of an exception, which would end the process on a
// pool's thread and be taken for UNIMPLEMENTED on gRPC's.
absl::Status WithoutExceptions(const char* method, const std::function<absl::Status()>& work);

// What a call is answered with that the pool has no room for: clients may try again.
absl::Status QueueIsFull();

// One unary call in flight. gRPC owns it, and it deletes itself when the call is done.
class UnaryCall : public grpc::ServerUnaryReactor {
 public:
  // `method` names the RPC in logs; a string literal.
  explicit UnaryCall(const char* method) : method_(method) {}

  // Becomes true when the caller cancels or the deadline passes.
  const std::atomic<bool>& cancelled() const { return cancelled_; }

  // Answers the call with what `work` returns, run here. Exceptions become an error of the call.
  void Run(const std::function<absl::Status()>& work);
  // The same on the pool, or QueueIsFull.
  void RunOn(ComputePool& pool, std::function<absl::Status()> work);
  // Answers the call.
  void Answer(const absl::Status& status);

 private:
  void OnCancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  void OnDone() override { delete this; }

  const char* method_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_UNARY_CALL_H_
