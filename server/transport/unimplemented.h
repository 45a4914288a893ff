#ifndef GRADUS_SERVER_TRANSPORT_UNIMPLEMENTED_H_
#define GRADUS_SERVER_TRANSPORT_UNIMPLEMENTED_H_

#include <string_view>

#include "absl/status/status.h"

#include "fmt/format.h"
#include "server/transport/call.h"
#include "server/transport/status_conversion.h"

namespace gradus {

// What an RPC is answered with that later work fills.
inline absl::Status NotImplemented(std::string_view rpc) {
  return absl::UnimplementedError(
      fmt::format("{} is declared, but this version does not implement it yet", rpc));
}

// A reactor that answers so, to those who may call it. `Reactor` is the base class that the RPC
// wants.
template <class Reactor>
class Unimplemented final : public Reactor {
 public:
  Unimplemented(const CallSettings& settings, const Method& method,
                grpc::CallbackServerContext& context) {
    Call call(settings, method, context);
    const absl::Status status =
        call.admission().ok() ? NotImplemented(method.name) : call.admission();
    call.End(status);
    this->Finish(ToGrpcStatus(status));
  }

 private:
  void OnDone() override { delete this; }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_UNIMPLEMENTED_H_
