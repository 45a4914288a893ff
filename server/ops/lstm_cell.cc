#include <array>
#include <cmath>

#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/ops/logistic.h"
#include "server/ops/recurrent.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// Which block of rows is whose.
struct GateOrder {
  int input;
  int forget;
  int candidate;
  int output;
};

GateOrder OrderOf(const v1::Node& node) {
  if (node.lstm_cell().gate_order() == v1::LSTM_GATE_ORDER_IFOG) return {0, 1, 3, 2};
  return {0, 1, 2, 3};
}

// The output is [h', c'] for each example. The backward pass reads c' from it.
struct LstmCell : OpBase {
  static constexpr auto kCase = v1::Node::kLstmCell;
  static constexpr std::string_view kFormula =
      "y = (h', c'), c' = f cell + i g, h' = o tanh(c'), i, f, o = sigmoid(z_i, z_f, z_o), g = "
      "tanh(z_g), z = input_weight input + input_bias + hidden_weight hidden + hidden_bias";
  static constexpr std::string_view kVjp =
      "u = (u_h, u_c), d = u_c + u_h o (1 - tanh(c')^2), from the output; grad(cell) = d f; "
      "grad(z_i) = d g i (1 - i), grad(z_f) = d cell f (1 - f), grad(z_g) = d i (1 - g^2), "
      "grad(z_o) = u_h tanh(c') o (1 - o); grad(input) = input_weight' grad(z), "
      "grad(input_weight) = grad(z) input', grad(input_bias) = grad(z), and so for hidden; those "
      "of weights and biases summed over the examples";
  static constexpr std::string_view kOperands[] = {
      "input", "hidden", "cell", "input_weight", "hidden_weight", "input_bias", "hidden_bias"};
  static constexpr int kOptionalOperands = 2;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const int order = call.node.lstm_cell().gate_order();
    if (!v1::LstmGateOrder_IsValid(order)) {
      return FieldError("lstm_cell.gate_order", Reason::kInvalidValue,
                        fmt::format("{} is unknown; choose LSTM_GATE_ORDER_IFGO or "
                                    "LSTM_GATE_ORDER_IFOG",
                                    order));
    }
    if (absl::Status s = CheckCellOperands(call, kOperands, kStates, kGates); !s.ok()) return s;
    Shape output = call.operands[1];
    output[output.rank() - 1] *= 2;
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return CellFlops(call, kStates, kGates);
  }

  // Gates, whose numbers become gradients.
  static double Scratch(const ShapeCall&, const Shape& output) {
    return 6 * static_cast<double>(output.element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    using std::tanh;
    const Cell<T> cell(call, kStates);
    const GateOrder order = OrderOf(call.node);
    const UnitNumbers<T> z_i = cell.PreActivation(order.input);
    const UnitNumbers<T> z_f = cell.PreActivation(order.forget);
    const UnitNumbers<T> z_g = cell.PreActivation(order.candidate);
    const UnitNumbers<T> z_o = cell.PreActivation(order.output);
    ForEachUnit(cell, [&](size_t k, int64_t at_h, int64_t at_c) {
      const T& c = call[kCell][static_cast<int64_t>(k)];
      output[at_c] = Logistic(z_f[k]) * c + Logistic(z_i[k]) * tanh(z_g[k]);
      output[at_h] = Logistic(z_o[k]) * tanh(output[at_c]);
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    using std::tanh;
    const Cell<T> cell(call, kStates);
    const GateOrder order = OrderOf(call.node);
    // Each pre-activation becomes its gradient.
    std::array<UnitNumbers<T>, kGates> gates;
    for (int gate = 0; gate < kGates; ++gate) {
      gates[static_cast<size_t>(gate)] = cell.PreActivation(gate);
    }
    UnitNumbers<T>& z_i = gates[static_cast<size_t>(order.input)];
    UnitNumbers<T>& z_f = gates[static_cast<size_t>(order.forget)];
    UnitNumbers<T>& z_g = gates[static_cast<size_t>(order.candidate)];
    UnitNumbers<T>& z_o = gates[static_cast<size_t>(order.output)];
    ForEachUnit(cell, [&](size_t k, int64_t at_h, int64_t at_c) {
      const T& c = call[kCell][static_cast<int64_t>(k)];
      const T& u = call.upstream[at_h];
      const T t = tanh(call.output[at_c]);
      const T i = Logistic(z_i[k]);
      const T f = Logistic(z_f[k]);
      const T g = tanh(z_g[k]);
      const T o = Logistic(z_o[k]);
      const T d = call.upstream[at_c] + u * o * ((T(1) - t) * (T(1) + t));
      if (position == kCell) gradient[static_cast<int64_t>(k)] += d * f;
      z_i[k] = d * g * (i * Logistic(-z_i[k]));
      z_f[k] = d * c * (f * Logistic(-z_f[k]));
      z_g[k] = d * i * ((T(1) - g) * (T(1) + g));
      z_o[k] = u * t * (o * Logistic(-z_o[k]));
    });
    if (position == kCell) return;
    for (int gate = 0; gate < kGates; ++gate) {
      cell.AddGradient(position, gate, gates[static_cast<size_t>(gate)], gradient.data());
    }
  }

 private:
  static constexpr int kCell = 2;
  static constexpr int kStates = 2;
  static constexpr int kGates = 4;

  // Calls f(k, at_h, at_c) for number k of a state, with the positions of its h' and c' in the
  // output.
  template <class T, class F>
  static void ForEachUnit(const Cell<T>& cell, F f) {
    const int64_t units = cell.units();
    ForEachIndex(cell.examples(), [&](int64_t n) {
      ForEachIndex(units, [&](int64_t i) {
        const int64_t at_h = 2 * n * units + i;
        f(static_cast<size_t>(n * units + i), at_h, at_h + units);
      });
    });
  }
};

}  // namespace

const Op& LstmCellOp() { return OpOf<LstmCell>(); }

}  // namespace gradus
