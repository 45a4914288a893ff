#ifndef GRADUS_SERVER_TRANSPORT_UNARY_CALL_H_
#define GRADUS_SERVER_TRANSPORT_UNARY_CALL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include <grpcpp/alarm.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "server/transport/call.h"
#include "server/transport/compute_pool.h"

namespace gradus {

// What `work` returns, or an error in place of an exception, which would end the process on a
// pool's thread and be taken for UNIMPLEMENTED on gRPC's.
absl::Status WithoutExceptions(const Method& method, const std::function<absl::Status()>& work);

// What a call is answered with that finds no room in the pool's queue, or is pushed out of it,
// reason OVERLOADED: clients may try again.
absl::Status QueueIsFull();

// One unary call in flight. gRPC hands its request over as bytes, so that whoever does the work
// also parses it, and writes the response: for large ones that is a worker, and the few threads of
// gRPC stay free. gRPC owns the call, and it deletes itself when it is done. A call that is not
// admitted is answered so whatever it is told to do, and no work is done for it.
//
// This is what calls of all types have in common; services make a TypedCall.
class UnaryCall : public grpc::ServerUnaryReactor {
 public:
  // Of the Call.
  const Method& method() const { return call_.method(); }
  const absl::Status& admission() const { return call_.admission(); }
  const Caller& caller() const { return call_.caller(); }

  // Becomes true when the caller cancels, the deadline passes, or the call without a deadline has
  // taken too long.
  const std::atomic<bool>& cancelled() const { return cancelled_; }

  // Submissions that got a report.
  void AddGraded(int64_t submissions) { call_.AddGraded(submissions); }

  // True if gRPC's threads may parse the request.
  bool IsSmall() const;
  // Parses the request, unless that is done. An error is what the call is to be answered with.
  absl::Status ReadRequest();

  // Answers the call with what `work` makes of the request, run here. Exceptions become an error of
  // the call. The request is read first; it is gone, and so is the response, when this returns.
  void Run(const std::function<absl::Status()>& work);
  // The same on the pool, or QueueIsFull.
  void RunOn(ComputePool& pool, std::function<absl::Status()> work);
  // Answers the call with an error.
  void Refuse(const absl::Status& error);

 protected:
  using Message = google::protobuf::Message;

  // All but the messages, which are empty, outlive the call.
  UnaryCall(const CallSettings& settings, const Method& method,
            grpc::CallbackServerContext* context, const grpc::ByteBuffer* request_bytes,
            grpc::ByteBuffer* response_bytes, std::unique_ptr<Message> request,
            std::unique_ptr<Message> response);
  ~UnaryCall() override = default;

  const Message& request_message() const { return *request_; }
  Message& response_message() { return *response_; }

 private:
  void OnCancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  void OnDone() override;
  void Answer(absl::Status status);
  absl::Status WriteResponse();
  // Ends the call after the longest time that one without a deadline may take.
  void LimitDuration();
  void Release();

  const CallSettings& settings_;
  grpc::CallbackServerContext& context_;
  const grpc::ByteBuffer& request_bytes_;
  grpc::ByteBuffer& response_bytes_;
  std::unique_ptr<Message> request_;
  std::unique_ptr<Message> response_;
  bool is_read_ = false;
  Call call_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> is_overdue_ = false;
  grpc::Alarm alarm_;
  bool has_alarm_ = false;
  std::atomic<int> holders_ = 1;  // gRPC, and the alarm
};

// The call of one RPC.
template <class Request, class Response>
class TypedCall final : public UnaryCall {
 public:
  TypedCall(const CallSettings& settings, const Method& method,
            grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
            grpc::ByteBuffer* response)
      : UnaryCall(settings, method, context, request, response, std::make_unique<Request>(),
                  std::make_unique<Response>()) {}

  // Once it is read.
  const Request& request() const { return static_cast<const Request&>(request_message()); }
  // What `work` fills.
  Response& response() { return static_cast<Response&>(response_message()); }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_UNARY_CALL_H_
