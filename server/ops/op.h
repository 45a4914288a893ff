#ifndef GRADUS_SERVER_OPS_OP_H_
#define GRADUS_SERVER_OPS_OP_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "gradus/v1/network.pb.h"
#include "server/tensor/scalar.h"
#include "server/tensor/shape.h"
#include "server/tensor/tensor.h"

namespace gradus {

// A node's attributes and the shapes of its operands, by position.
struct ShapeCall {
  const v1::Node& node;
  std::span<const Shape> operands;
};

// A node's attributes and the numbers of its operands, by position. Shapes have passed InferShape.
template <class T>
struct OpCall {
  const v1::Node& node;
  std::span<const Tensor<T>* const> operands;

  const Tensor<T>& operator[](int position) const {
    return *operands[static_cast<size_t>(position)];
  }
  int operand_count() const { return static_cast<int>(operands.size()); }
};

// What a vector-Jacobian product reads: operands, output, and the upstream gradient, which has the
// output's shape. Where a formula allows it the output is read and not computed again, so that a
// pinned output acts in the backward pass.
template <class T>
struct VjpCall : OpCall<T> {
  const Tensor<T>& output;
  const Tensor<T>& upstream;
};

// An op in one number system. All results are allocated by the caller, in the inferred shape. Dual
// numbers have `forward` only: they are there to differentiate it.
template <class T>
struct OpFunctions {
  // Writes the output, which starts as zeros.
  void (*forward)(const OpCall<T>&, Tensor<T>& output);
  // Adds the input gradient of the operand at `position`. Null for activations of one operand: the
  // slope says it. An activation with parameters has both; its position 0 is never asked for.
  void (*vjp)(const VjpCall<T>&, int position, Tensor<T>& gradient);
  // Writes the elementwise derivative of an activation with respect to operand 0. Null for
  // everything else.
  void (*slope)(const OpCall<T>&, const Tensor<T>& output, Tensor<T>& slope);
};

// An operand that holds whole numbers from 0 to count - 1, and so has no gradient.
struct IndexOperand {
  int position;
  int64_t count;
  // One more whole number that it may hold, for what does not count.
  std::optional<int64_t> ignored = std::nullopt;
};

// What an op computes, for people; part of its documentation. The operands are called as in
// `operands`, but for a single one, which is x, or z in an activation; u is the upstream gradient,
// y the output (a of an activation), A' the transpose of A.
struct OpText {
  // The output: "a = 1 / (1 + exp(-z))".
  std::string_view formula;
  // The vector-Jacobian product: "grad(z) = u a (1 - a)".
  std::string_view vjp;
  // Where the op is not differentiable, and which subgradient it takes there: "z = 0: derivative
  // 0". Empty: nowhere.
  std::string_view kinks;
};

// One op: what a network may compute at a node. Immutable, without state, safe from any thread.
struct Op {
  v1::Node::OpCase op_case;
  // Names of the operands by position.
  std::span<const std::string_view> operands;
  // The first so many must be given.
  int required_operands;
  // True: the last operand may be given any number of times.
  bool variadic;
  // The output's shape; a FieldError relative to the node if attributes or operands do not fit. The
  // shape may have more elements than fit in memory: the caller checks that.
  absl::StatusOr<Shape> (*infer_shape)(const ShapeCall&);
  // Rough cost of one forward call in floating-point operations, at least one per number that it
  // reads; moving a number through a broadcast counts 4, exp counts 20.
  double (*flops)(const ShapeCall&, const Shape& output);
  // Numbers, of 8 bytes, that a call of any of its functions holds beside operands and results, at
  // most.
  double (*scratch)(const ShapeCall&, const Shape& output);
  // Which operand holds indices, if any does.
  std::optional<IndexOperand> (*index_operand)(const ShapeCall&);
  OpText text;
  PerScalar<OpFunctions> functions;

  template <class T>
  const OpFunctions<T>& For() const {
    return std::get<OpFunctions<T>>(functions);
  }
  bool is_activation() const { return For<double>().slope != nullptr; }
  // Name of its field in Node.op: "half_squared_error".
  std::string_view name() const;
};

// What most ops have in common. An op is a struct that derives from this (or from Activation,
// ElementwiseFunction, ElementwiseLoss ...) and adds, as static members, kCase, kOperands,
// kFormula, kVjp, InferShape, Forward<T> and Vjp<T>. The InferShape of most families asks
// CheckAttributes for a FieldError if an attribute is wrong.
struct OpBase {
  static constexpr int kOptionalOperands = 0;
  static constexpr bool kVariadic = false;
  static constexpr std::string_view kKinks = {};
  static absl::Status CheckAttributes(const v1::Node&) { return absl::OkStatus(); }
  static double Flops(const ShapeCall&, const Shape& output) {
    return 4.0 * static_cast<double>(output.element_count());
  }
  static double Scratch(const ShapeCall&, const Shape&) { return 0; }
  static std::optional<IndexOperand> FindIndexOperand(const ShapeCall&) { return std::nullopt; }
};

namespace internal {

template <class Impl, class T>
constexpr OpFunctions<T> FunctionsOf() {
  OpFunctions<T> functions = {&Impl::template Forward<T>, nullptr, nullptr};
  if constexpr (!std::is_same_v<T, Dual>) {
    if constexpr (requires { &Impl::template Vjp<T>; }) functions.vjp = &Impl::template Vjp<T>;
    if constexpr (requires { &Impl::template Slopes<T>; }) {
      functions.slope = &Impl::template Slopes<T>;
    }
  }
  return functions;
}

template <class Impl, class... Ts>
constexpr std::tuple<OpFunctions<Ts>...> AllFunctionsOf(
    std::type_identity<std::tuple<OpFunctions<Ts>...>>) {
  return {FunctionsOf<Impl, Ts>()...};
}

}  // namespace internal

// The Op that a struct describes.
template <class Impl>
const Op& OpOf() {
  static constexpr Op kOp = {
      Impl::kCase,
      Impl::kOperands,
      static_cast<int>(std::size(Impl::kOperands)) - Impl::kOptionalOperands,
      Impl::kVariadic,
      &Impl::InferShape,
      &Impl::Flops,
      &Impl::Scratch,
      &Impl::FindIndexOperand,
      {Impl::kFormula, Impl::kVjp, Impl::kKinks},
      internal::AllFunctionsOf<Impl>(std::type_identity<PerScalar<OpFunctions>>()),
  };
  return kOp;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_OP_H_
