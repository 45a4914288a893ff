#ifndef GRADUS_SERVER_TRANSPORT_CALL_H_
#define GRADUS_SERVER_TRANSPORT_CALL_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include <grpcpp/server_context.h>

#include "server/transport/identity.h"

namespace gradus {

// An RPC of a service. Lives as long as the program. Nobody can write one down without saying who
// may call it.
struct Method {
  constexpr Method(std::string_view service, std::string_view name, Access access,
                   bool is_stream = false)
      : service(service), name(name), access(access), is_stream(is_stream) {}

  std::string_view service;  // "gradus.v1.GradingService"
  std::string_view name;     // "Grade"
  Access access;
  bool is_stream;
};

// What may be told of a call, by logs and metrics: never what it carried.
struct CallRecord {
  const Method* method;
  // The caller's `x-request-id`, or one that was made here.
  std::string request_id;
  // The caller's W3C `traceparent`; empty if there was none, or none that is sound.
  std::string traceparent;
  // The caller's address.
  std::string peer;
  // Whom the caller's token was made for, fit for a word of a log line, and the role it has. Both
  // empty if the caller is not known.
  std::string subject;
  std::string_view role;
  // From the first byte on: until a worker began with it, while it computed, and in all. A stream
  // is computed in many pieces, whose times add up.
  std::chrono::microseconds queued{0};
  std::chrono::microseconds computed{0};
  std::chrono::microseconds total{0};
  // Messages, and their bytes in all.
  int64_t requests = 0;
  int64_t responses = 0;
  size_t request_bytes = 0;
  size_t response_bytes = 0;
  // Submissions that got a report.
  int64_t graded = 0;
  absl::StatusCode code = absl::StatusCode::kOk;
  // Why it was refused (ReasonOf); empty if there is no more to say than the code.
  std::string reason;
};

// Sees calls. Safe from any thread, and quick: it runs on the threads that answer.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void OnBegin(const Method& method) = 0;
  virtual void OnEnd(const CallRecord& record) = 0;
};

// What all calls of a server have in common.
struct CallSettings {
  std::vector<std::shared_ptr<CallObserver>> observers;
  // Unset: every caller is staff.
  std::unique_ptr<Authenticator> authenticator;
  // Bytes of memory that one message of a caller may take.
  double max_message_bytes = 256.0 * 1024 * 1024;
  // A call without a deadline is ended after this time, a stream when there has been no message for
  // as long.
  std::chrono::milliseconds max_duration{60'000};
};

// One call in flight, as observers see it. Reads the caller's metadata at once, decides whether the
// call is served, and answers with the request id and the server's version in the trailing
// metadata.
//
// Not for two threads at once.
class Call {
 public:
  // All three outlive the call.
  Call(const CallSettings& settings, const Method& method, grpc::CallbackServerContext& context);

  const Method& method() const { return *record_.method; }
  // OK, or what the call ends with, whatever it asks for: the caller is not known, or may not call
  // the method.
  const absl::Status& admission() const { return admission_; }
  // Who calls. Only of a call that is admitted.
  const Caller& caller() const { return caller_; }
  // Under which name the call takes turns with others at the pool: that of whom the token was made
  // for, or else the host that calls, without its port. So all who come through one proxy without
  // tokens are one caller. Only of a call that is admitted.
  std::string TurnName() const;

  void AddQueued(std::chrono::steady_clock::duration time);
  void AddComputed(std::chrono::steady_clock::duration time);
  void AddRequest(size_t bytes);
  void AddResponse(size_t bytes);
  void AddGraded(int64_t submissions) { record_.graded += submissions; }

  // Just before the call is finished with a status, once.
  void End(const absl::Status& status);

 private:
  const CallSettings& settings_;
  grpc::CallbackServerContext& context_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  CallRecord record_;
  absl::Status admission_;
  Caller caller_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_CALL_H_
