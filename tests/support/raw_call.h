#ifndef GRADUS_TESTS_SUPPORT_RAW_CALL_H_
#define GRADUS_TESTS_SUPPORT_RAW_CALL_H_

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "tests/support/test_server.h"

namespace gradus::testing {

// What a call with these bytes as its requests is answered with, whether they are messages or not.
// Responses are read and dropped. `method` is "gradus.v1.GradientService/Forward".
inline grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel,
                            const std::string& method, const std::vector<std::string>& requests) {
  TestContext context;
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, "/" + method, &queue);
  const auto wait = [&] {
    void* tag = nullptr;
    bool ok = false;
    if (!queue.Next(&tag, &ok)) throw std::runtime_error("the queue ended");
    return ok;
  };
  call->StartCall(nullptr);
  bool goes_on = wait();
  for (size_t i = 0; goes_on && i < requests.size(); ++i) {
    const grpc::Slice slice(requests[i]);
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    goes_on = wait();
  }
  if (goes_on) {
    call->WritesDone(nullptr);
    wait();
  }
  grpc::ByteBuffer response;
  do {
    call->Read(&response, nullptr);
  } while (wait());
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  return status;
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_RAW_CALL_H_
