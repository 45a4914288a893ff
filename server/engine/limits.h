#ifndef GRADUS_SERVER_ENGINE_LIMITS_H_
#define GRADUS_SERVER_ENGINE_LIMITS_H_

#include <cstdint>

namespace gradus {

// Budgets of one request, checked before anything is allocated. The defaults suit a server with 512
// MB.
struct Limits {
  // Inputs, parameters and nodes of a network together.
  int64_t max_names = 10'000;
  // Operands of all nodes together.
  int64_t max_operands = 100'000;
  // Elements of one tensor, given or computed.
  int64_t max_tensor_elements = int64_t{1} << 24;
  // Bytes of all numbers that a request makes: values, slopes, gradients, updates and the response.
  double max_bytes = 256.0 * 1024 * 1024;
  // Bytes of the numbers that a response holds. Below what gRPC may send, which also counts the
  // names.
  double max_response_bytes = 60.0 * 1024 * 1024;
  // Estimated floating-point operations of a request: a few seconds on one core.
  double max_flops = 2e10;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_LIMITS_H_
