#ifndef GRADUS_SERVER_TRANSPORT_UNIMPLEMENTED_H_
#define GRADUS_SERVER_TRANSPORT_UNIMPLEMENTED_H_

#include <string>

#include <grpcpp/support/status.h>

namespace gradus {

// A reactor that answers UNIMPLEMENTED, for an RPC that later work fills. `Reactor` is the base
// class that the RPC wants.
template <class Reactor>
class Unimplemented final : public Reactor {
 public:
  explicit Unimplemented(const std::string& rpc) {
    this->Finish({grpc::StatusCode::UNIMPLEMENTED,
                  rpc + " is declared, but this version does not implement it yet"});
  }

 private:
  void OnDone() override { delete this; }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_UNIMPLEMENTED_H_
