#include <cmath>
#include <utility>

#include "fmt/format.h"
#include "server/ops/logistic.h"
#include "server/ops/recurrent.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// Which block of rows is whose.
struct GateOrder {
  int reset;
  int update;
};
constexpr int kCandidate = 2;

GateOrder OrderOf(const v1::Node& node) {
  if (node.gru_cell().gate_order() == v1::GRU_GATE_ORDER_ZRN) return {1, 0};
  return {0, 1};
}

// What a forward call computes on its way.
template <class T>
struct Gates {
  Gates(const v1::Node& node, const Cell<T>& cell)
      : reset_before(node.gru_cell().reset_before()),
        z_r(cell.PreActivation(OrderOf(node).reset)),
        z_z(cell.PreActivation(OrderOf(node).update)),
        r(cell.size()),
        source(cell.size()),
        from_hidden(cell.size()),
        n(cell.FromInput(kCandidate)) {
    using std::tanh;
    cell.ForEachNumber([&](size_t k) {
      r[k] = Logistic(z_r[k]);
      source[k] = reset_before ? r[k] * cell.hidden(k) : cell.hidden(k);
    });
    cell.AddFromHidden(from_hidden, kCandidate, source.data());
    cell.ForEachNumber([&](size_t k) {
      n[k] = tanh(n[k] + (reset_before ? from_hidden[k] : r[k] * from_hidden[k]));
    });
  }

  bool reset_before;
  UnitNumbers<T> z_r;
  UnitNumbers<T> z_z;
  UnitNumbers<T> r;
  UnitNumbers<T> source;       // what the candidate reads as the hidden state
  UnitNumbers<T> from_hidden;  // what it makes of that
  UnitNumbers<T> n;            // the candidate
};

// The shares of the old state and of the candidate in the new one.
template <class T>
struct Shares {
  Shares(const v1::Node& node, const T& z_z) : old(Logistic(z_z)), candidate(Logistic(-z_z)) {
    if (node.gru_cell().update_takes_new()) std::swap(old, candidate);
  }

  T old;
  T candidate;
};

struct GruCell : OpBase {
  static constexpr auto kCase = v1::Node::kGruCell;
  static constexpr std::string_view kFormula =
      "y = (1 - z) n + z hidden, or (1 - z) hidden + z n if update_takes_new; r, z = sigmoid of "
      "input_weight input + input_bias + hidden_weight hidden + hidden_bias, each its own block; "
      "n = tanh(m), m = input_weight input + input_bias + r q, q = hidden_weight hidden + "
      "hidden_bias; q of r hidden, and m with q in place of r q, if reset_before";
  static constexpr std::string_view kVjp =
      "grad(m) = u (1 - z) (1 - n^2), grad(q) = r grad(m), grad(pre-activation of z) = u (hidden "
      "- n) z (1 - z), grad(pre-activation of r) = q grad(m) r (1 - r); grad(hidden) = u z + "
      "hidden_weight' times the three; if update_takes_new, 1 - z and z, and hidden and n, change "
      "places; if reset_before, grad(q) = grad(m), grad(r hidden) = hidden_weight' grad(q) and "
      "grad(r) = hidden grad(r hidden); input, weights and biases as in a dense layer";
  static constexpr std::string_view kOperands[] = {"input",         "hidden",     "input_weight",
                                                   "hidden_weight", "input_bias", "hidden_bias"};
  static constexpr int kOptionalOperands = 2;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const int order = call.node.gru_cell().gate_order();
    if (!v1::GruGateOrder_IsValid(order)) {
      return FieldError("gru_cell.gate_order", Reason::kInvalidValue,
                        fmt::format("{} is unknown; choose GRU_GATE_ORDER_RZN or "
                                    "GRU_GATE_ORDER_ZRN",
                                    order));
    }
    if (absl::Status s = CheckCellOperands(call, kOperands, kStates, kGates); !s.ok()) return s;
    return call.operands[1];
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return CellFlops(call, kStates, kGates);
  }

  // Gates on their way forward and back.
  static double Scratch(const ShapeCall&, const Shape& output) {
    return 12 * static_cast<double>(output.element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Cell<T> cell(call, kStates);
    const Gates<T> gates(call.node, cell);
    cell.ForEachNumber([&](size_t k) {
      const Shares<T> shares(call.node, gates.z_z[k]);
      output[static_cast<int64_t>(k)] = shares.candidate * gates.n[k] + shares.old * cell.hidden(k);
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Cell<T> cell(call, kStates);
    const Gates<T> gates(call.node, cell);
    const bool update_takes_new = call.node.gru_cell().update_takes_new();
    const bool is_hidden = position == Cell<T>::kHidden;
    // Gradients of the pre-activations, and of what the candidate gets from the hidden state.
    UnitNumbers<T> of_r(cell.size());
    UnitNumbers<T> of_z(cell.size());
    UnitNumbers<T> of_n(cell.size());
    UnitNumbers<T> of_from_hidden(cell.size());
    cell.ForEachNumber([&](size_t k) {
      const T& u = call.upstream[static_cast<int64_t>(k)];
      const T& h = cell.hidden(k);
      const T& n = gates.n[k];
      const Shares<T> shares(call.node, gates.z_z[k]);
      if (is_hidden) gradient[static_cast<int64_t>(k)] += u * shares.old;
      of_z[k] = u * (update_takes_new ? n - h : h - n) * (shares.old * shares.candidate);
      of_n[k] = u * shares.candidate * ((T(1) - n) * (T(1) + n));
      of_from_hidden[k] = gates.reset_before ? of_n[k] : of_n[k] * gates.r[k];
    });
    // Of the reset gate itself: it is a factor of what the candidate reads, or of what it makes of
    // that.
    if (gates.reset_before) {
      UnitNumbers<T> of_source(cell.size());
      cell.AddGradient(Cell<T>::kHidden, kCandidate, of_from_hidden, of_source.data());
      cell.ForEachNumber([&](size_t k) {
        if (is_hidden) gradient[static_cast<int64_t>(k)] += of_source[k] * gates.r[k];
        of_r[k] = of_source[k] * cell.hidden(k);
      });
    } else {
      cell.ForEachNumber([&](size_t k) { of_r[k] = of_n[k] * gates.from_hidden[k]; });
    }
    cell.ForEachNumber([&](size_t k) { of_r[k] *= gates.r[k] * Logistic(-gates.z_r[k]); });

    const GateOrder order = OrderOf(call.node);
    cell.AddGradient(position, order.reset, of_r, gradient.data());
    cell.AddGradient(position, order.update, of_z, gradient.data());
    if (is_hidden && gates.reset_before) return;
    cell.AddGradient(position, kCandidate, cell.IsOnInputSide(position) ? of_n : of_from_hidden,
                     gates.source.data(), gradient.data());
  }

 private:
  static constexpr int kStates = 1;
  static constexpr int kGates = 3;
};

}  // namespace

const Op& GruCellOp() { return OpOf<GruCell>(); }

}  // namespace gradus
