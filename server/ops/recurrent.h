#ifndef GRADUS_SERVER_OPS_RECURRENT_H_
#define GRADUS_SERVER_OPS_RECURRENT_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "server/kernels/interruption.h"
#include "server/kernels/matmul.h"
#include "server/ops/op.h"

namespace gradus {

// What one step of a recurrent network consists of. Its operands are the input x, one or more
// states of which the hidden state h is the first, and then weights of x, weights of h, biases of x
// and biases of h, each with one block for each gate. One example is a batch of one.

// A FieldError if the operands of a cell do not fit. `names` are theirs, by position.
absl::Status CheckCellOperands(const ShapeCall& call, std::span<const std::string_view> names,
                               int state_count, int gate_count);

// Cost of a forward call.
double CellFlops(const ShapeCall& call, int state_count, int gate_count);

// Numbers [N, H], one for each unit of each example.
template <class T>
using UnitNumbers = std::vector<T>;

// z = W x + b on one side of a cell: for x, or for h in its place.
template <class T>
class CellSide {
 public:
  // `bias` may be null. Both outlive it.
  CellSide(const Tensor<T>& weight, const Tensor<T>* bias, int64_t examples, int64_t units)
      : weight_(weight), bias_(bias), examples_(examples), units_(units) {}

  // Adds z of one gate.
  void AddTo(UnitNumbers<T>& z, int gate, const T* x) const {
    if (bias_ != nullptr) {
      T* out = z.data();
      ForEachIndex(examples_, [&](int64_t) {
        ForEachIndex(units_, [&](int64_t i) { *out++ += (*bias_)[gate * units_ + i]; });
      });
    }
    MatMulAdd(Input(x), Weight(gate).Transposed(), z.data());
  }

  // Add what one gate contributes to a gradient. `upstream` is the gradient of its z.
  void AddInputGradient(const UnitNumbers<T>& upstream, int gate, T* gradient) const {
    MatMulAdd(Units(upstream), Weight(gate), gradient);
  }
  void AddWeightGradient(const UnitNumbers<T>& upstream, int gate, const T* x, T* gradient) const {
    MatMulAdd(Units(upstream).Transposed(), Input(x), gradient + gate * units_ * features());
  }
  void AddBiasGradient(const UnitNumbers<T>& upstream, int gate, T* gradient) const {
    const T* in = upstream.data();
    ForEachIndex(examples_, [&](int64_t) {
      ForEachIndex(units_, [&](int64_t i) { gradient[gate * units_ + i] += *in++; });
    });
  }

 private:
  int64_t features() const { return weight_.shape()[1]; }
  MatrixView<T> Weight(int gate) const {
    return MatrixView<T>::RowMajor(weight_.data() + gate * units_ * features(), units_, features());
  }
  MatrixView<T> Input(const T* x) const {
    return MatrixView<T>::RowMajor(x, examples_, features());
  }
  MatrixView<T> Units(const UnitNumbers<T>& numbers) const {
    return MatrixView<T>::RowMajor(numbers.data(), examples_, units_);
  }

  const Tensor<T>& weight_;
  const Tensor<T>* bias_;
  int64_t examples_;
  int64_t units_;
};

// The operands of a cell.
template <class T>
class Cell {
 public:
  static constexpr int kInput = 0;
  static constexpr int kHidden = 1;

  Cell(const OpCall<T>& call, int state_count)
      : input_(call[kInput]),
        hidden_(call[kHidden]),
        state_count_(state_count),
        units_(hidden_.shape().back()),
        input_side_(call[1 + state_count], Bias(call, 3 + state_count), examples(), units_),
        hidden_side_(call[2 + state_count], Bias(call, 4 + state_count), examples(), units_) {}

  int64_t units() const { return units_; }
  int64_t examples() const { return hidden_.size() / units_; }
  // Of numbers [N, H].
  size_t size() const { return static_cast<size_t>(hidden_.size()); }
  const T& hidden(size_t i) const { return hidden_[static_cast<int64_t>(i)]; }
  // Calls f(k) for each of numbers [N, H].
  template <class F>
  void ForEachNumber(F f) const {
    ForEachIndex(hidden_.size(), [&](int64_t k) { f(static_cast<size_t>(k)); });
  }

  // What the input alone gives a gate.
  UnitNumbers<T> FromInput(int gate) const {
    UnitNumbers<T> z(size());
    input_side_.AddTo(z, gate, input_.data());
    return z;
  }
  // What `h`, in place of the hidden state, gives it.
  void AddFromHidden(UnitNumbers<T>& z, int gate, const T* h) const {
    hidden_side_.AddTo(z, gate, h);
  }
  // What both of them give it.
  UnitNumbers<T> PreActivation(int gate) const {
    UnitNumbers<T> z = FromInput(gate);
    AddFromHidden(z, gate, hidden_.data());
    return z;
  }

  // Does the operand at `position` act through what the input gives the gates?
  bool IsOnInputSide(int position) const {
    return position == kInput || position == 1 + state_count_ || position == 3 + state_count_;
  }
  // Adds what one gate contributes to the gradient of the operand at `position`, which is no
  // further state. `upstream` is the gradient of what the operand's side gives the gate; `h` is
  // what the gate reads as the hidden state.
  void AddGradient(int position, int gate, const UnitNumbers<T>& upstream, const T* h,
                   T* gradient) const {
    const bool on_input_side = IsOnInputSide(position);
    const CellSide<T>& side = on_input_side ? input_side_ : hidden_side_;
    if (position <= state_count_) {
      side.AddInputGradient(upstream, gate, gradient);
    } else if (position <= 2 + state_count_) {
      side.AddWeightGradient(upstream, gate, on_input_side ? input_.data() : h, gradient);
    } else {
      side.AddBiasGradient(upstream, gate, gradient);
    }
  }
  // The same, for a gate that reads the hidden state itself.
  void AddGradient(int position, int gate, const UnitNumbers<T>& upstream, T* gradient) const {
    AddGradient(position, gate, upstream, hidden_.data(), gradient);
  }

 private:
  static const Tensor<T>* Bias(const OpCall<T>& call, int position) {
    return position < call.operand_count() ? &call[position] : nullptr;
  }

  const Tensor<T>& input_;
  const Tensor<T>& hidden_;
  int state_count_;
  int64_t units_;
  CellSide<T> input_side_;
  CellSide<T> hidden_side_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_RECURRENT_H_
