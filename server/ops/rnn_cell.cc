#include <cmath>
#include <iterator>

#include "server/kernels/interruption.h"
#include "server/ops/recurrent.h"

namespace gradus {
namespace {

struct RnnCell : OpBase {
  static constexpr auto kCase = v1::Node::kRnnCell;
  static constexpr std::string_view kFormula =
      "y = tanh(z), or max(z, 0) if relu, z = input_weight input + input_bias + hidden_weight "
      "hidden + hidden_bias";
  static constexpr std::string_view kVjp =
      "g = u (1 - y^2), or u where z > 0, else 0, if relu; grad(input) = input_weight' g, "
      "grad(hidden) = hidden_weight' g, grad(input_weight) = g input', grad(hidden_weight) = g "
      "hidden', grad(input_bias) = grad(hidden_bias) = g; those of weights and biases summed over "
      "the examples";
  static constexpr std::string_view kKinks = "z = 0 with relu: derivative 0";
  static constexpr std::string_view kOperands[] = {"input",         "hidden",     "input_weight",
                                                   "hidden_weight", "input_bias", "hidden_bias"};
  static constexpr int kOptionalOperands = 2;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    if (absl::Status s = CheckCellOperands(call, kOperands, kStates, kGates); !s.ok()) return s;
    return call.operands[1];
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return CellFlops(call, kStates, kGates);
  }

  // The pre-activation, and its gradient.
  static double Scratch(const ShapeCall&, const Shape& output) {
    return 3 * static_cast<double>(output.element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    using std::tanh;
    const bool relu = call.node.rnn_cell().relu();
    const UnitNumbers<T> z = Cell<T>(call, kStates).PreActivation(0);
    ForEachIndex(output.size(), [&](int64_t k) {
      const auto i = static_cast<size_t>(k);
      output[k] = relu ? Max(T(0), z[i]) : tanh(z[i]);
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Cell<T> cell(call, kStates);
    UnitNumbers<T> g(call.upstream.values());
    if (call.node.rnn_cell().relu()) {
      const UnitNumbers<T> z = cell.PreActivation(0);
      ForEachIndex(std::ssize(g), [&](int64_t k) {
        const auto i = static_cast<size_t>(k);
        g[i] *= SelectPositive(z[i], T(1), T(0));
      });
    } else {
      const UnitNumbers<T>& y = call.output.values();
      ForEachIndex(std::ssize(g), [&](int64_t k) {
        const auto i = static_cast<size_t>(k);
        g[i] *= (T(1) - y[i]) * (T(1) + y[i]);
      });
    }
    cell.AddGradient(position, 0, g, gradient.data());
  }

 private:
  static constexpr int kStates = 1;
  static constexpr int kGates = 1;
};

}  // namespace

const Op& RnnCellOp() { return OpOf<RnnCell>(); }

}  // namespace gradus
