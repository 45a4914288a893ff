#ifndef GRADUS_TESTS_OPS_LARGE_CALL_H_
#define GRADUS_TESTS_OPS_LARGE_CALL_H_

#include <optional>
#include <string>
#include <vector>

#include "gradus/v1/network.pb.h"
#include "server/tensor/shape.h"
#include "server/tensor/tensor.h"

namespace gradus::testing {

// A call of an op on operands of many numbers.
struct LargeCall {
  v1::Node node;
  std::vector<Tensor<double>> operands;
  Shape output;
  double flops;  // of the forward call, estimated
};

// Makes one of each op of the catalogue from the largest row of the table (op_cases.h) whose shapes
// can all be enlarged alike, with more than a million operations, or so many if the op is a matrix
// product. nullopt if there is no such row.
std::optional<LargeCall> FindLargeCall(const std::string& op, double flops_of_product);

// Names of all ops.
std::vector<std::string> AllOpNames();

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_OPS_LARGE_CALL_H_
