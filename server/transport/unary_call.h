#ifndef GRADUS_SERVER_TRANSPORT_UNARY_CALL_H_
#define GRADUS_SERVER_TRANSPORT_UNARY_CALL_H_

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include "server/transport/call.h"
#include "server/transport/compute_pool.h"

namespace gradus {

// What `work` returns, or an error in place of an exception, which would end the process on a
// pool's thread and be taken for UNIMPLEMENTED on gRPC's.
absl::Status WithoutExceptions(const Method& method, const std::function<absl::Status()>& work);

// What a call is answered with that the pool has no room for, reason OVERLOADED: clients may try
// again.
absl::Status QueueIsFull();

// One unary call in flight. gRPC owns it, and it deletes itself when the call is done. A call that
// is not admitted is answered so whatever it is told to do, and no work is done for it.
class UnaryCall : public grpc::ServerUnaryReactor {
 public:
  // All outlive the call; `response` is filled before it is answered.
  UnaryCall(const CallSettings& settings, const Method& method,
            grpc::CallbackServerContext* context, const google::protobuf::Message* request,
            const google::protobuf::Message* response);

  // Of the Call.
  const absl::Status& admission() const { return call_.admission(); }
  const Caller& caller() const { return call_.caller(); }

  // Becomes true when the caller cancels, the deadline passes, or the call without a deadline has
  // taken too long.
  const std::atomic<bool>& cancelled() const { return cancelled_; }

  // Submissions that got a report.
  void AddGraded(int64_t submissions) { call_.AddGraded(submissions); }

  // Answers the call with what `work` returns, run here. Exceptions become an error of the call.
  void Run(const std::function<absl::Status()>& work);
  // The same on the pool, or QueueIsFull.
  void RunOn(ComputePool& pool, std::function<absl::Status()> work);
  // Answers the call.
  void Answer(absl::Status status);

 private:
  ~UnaryCall() override = default;
  void OnCancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  void OnDone() override;
  // Ends the call after the longest time that one without a deadline may take.
  void LimitDuration();
  void Release();

  const CallSettings& settings_;
  grpc::CallbackServerContext& context_;
  const google::protobuf::Message& request_;
  const google::protobuf::Message& response_;
  Call call_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> is_overdue_ = false;
  grpc::Alarm alarm_;
  bool has_alarm_ = false;
  std::atomic<int> holders_ = 1;  // gRPC, and the alarm
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_UNARY_CALL_H_
