#ifndef GRADUS_SERVER_ENGINE_LIMITS_H_
#define GRADUS_SERVER_ENGINE_LIMITS_H_

#include <cstdint>

namespace gradus {

// Budgets of one request, checked before anything large is allocated.
struct Limits {
  // Bytes of a request on the wire.
  int max_request_bytes = 16 * 1024 * 1024;
  // Inputs, parameters and nodes of a network together; also what a problem may give as inputs.
  int64_t max_names = 10'000;
  // Operands of all nodes together.
  int64_t max_operands = 100'000;
  // Elements of one tensor, given or computed. Allocating a tensor is what cannot be interrupted;
  // one of this size is there within some milliseconds.
  int64_t max_tensor_elements = int64_t{1} << 22;
  // Bytes of all that a request makes: values, slopes, gradients, updates, what ops hold while they
  // run, and the response. As many again for the request itself, which may take many times the
  // bytes that it had on the wire.
  double max_bytes = 256.0 * 1024 * 1024;
  // Bytes of a response. Some below what gRPC may send, as the count is an estimate.
  double max_response_bytes = 60.0 * 1024 * 1024;
  // Estimated floating-point operations of a request: some seconds on one core.
  double max_flops = 1e10;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_LIMITS_H_
