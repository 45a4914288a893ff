// Calls of one op outside of a network.

#ifndef GRADUS_TESTS_OPS_RUN_OP_H_
#define GRADUS_TESTS_OPS_RUN_OP_H_

#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "gradus/v1/network.pb.h"
#include "server/kernels/map.h"
#include "server/ops/op.h"
#include "server/ops/registry.h"
#include "server/tensor/shape.h"
#include "server/tensor/tensor.h"

namespace gradus::testing {

// The op of a node. Throws, which fails the test, if it has none.
inline const Op& OpOfNode(const v1::Node& node) {
  const Op* const op = FindOp(node.op_case());
  if (op == nullptr) throw std::runtime_error("no op for node: " + node.ShortDebugString());
  return *op;
}

inline absl::StatusOr<Shape> InferShape(const v1::Node& node, const std::vector<Shape>& operands) {
  return OpOfNode(node).infer_shape({node, operands});
}

template <class T>
std::vector<Shape> ShapesOf(const std::vector<Tensor<T>>& tensors) {
  std::vector<Shape> shapes;
  for (const Tensor<T>& tensor : tensors) shapes.push_back(tensor.shape());
  return shapes;
}

template <class T>
std::vector<const Tensor<T>*> PointersTo(const std::vector<Tensor<T>>& tensors) {
  std::vector<const Tensor<T>*> pointers;
  for (const Tensor<T>& tensor : tensors) pointers.push_back(&tensor);
  return pointers;
}

template <class T>
Tensor<T> Forward(const v1::Node& node, const std::vector<Tensor<T>>& operands) {
  const auto shape = InferShape(node, ShapesOf(operands));
  if (!shape.ok()) throw std::runtime_error(shape.status().ToString());
  Tensor<T> output(*shape);
  const auto pointers = PointersTo(operands);
  OpOfNode(node).For<T>().forward({node, pointers}, output);
  return output;
}

template <class T>
Tensor<T> Slope(const v1::Node& node, const std::vector<Tensor<T>>& operands,
                const Tensor<T>& output) {
  Tensor<T> slope(output.shape());
  const auto pointers = PointersTo(operands);
  OpOfNode(node).For<T>().slope({node, pointers}, output, slope);
  return slope;
}

// Adds the input gradient of the operand at `position`, as the engine does: the VJP, or upstream
// times slope for operand 0 of an activation. `output` need not be what the operands give; pins
// change it.
template <class T>
void AddInputGradient(const v1::Node& node, const std::vector<Tensor<T>>& operands,
                      const Tensor<T>& output, const Tensor<T>& upstream, int position,
                      Tensor<T>& gradient) {
  const Op& op = OpOfNode(node);
  if (op.is_activation() && position == 0) {
    MapAdd(upstream, Slope(node, operands, output), gradient,
           [](const T& u, const T& slope) { return u * slope; });
  } else {
    const auto pointers = PointersTo(operands);
    op.For<T>().vjp({{node, pointers}, output, upstream}, position, gradient);
  }
}

template <class T>
Tensor<T> InputGradient(const v1::Node& node, const std::vector<Tensor<T>>& operands,
                        const Tensor<T>& output, const Tensor<T>& upstream, int position) {
  Tensor<T> gradient(operands[static_cast<size_t>(position)].shape());
  AddInputGradient(node, operands, output, upstream, position, gradient);
  return gradient;
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_OPS_RUN_OP_H_
