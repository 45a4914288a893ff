#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Embedding : OpBase {
  static constexpr auto kCase = v1::Node::kEmbedding;
  static constexpr std::string_view kFormula = "y[i, :] = weight[indices[i], :]";
  static constexpr std::string_view kVjp =
      "grad(weight)[v, :] = sum of u[i, :] over all i with indices[i] = v";
  static constexpr std::string_view kOperands[] = {"indices", "weight"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& indices = call.operands[0];
    const Shape& weight = call.operands[1];
    if (weight.rank() != 2) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("weight has shape {}, expected [V, D]", weight.ToString()));
    }
    if (indices.rank() == Shape::kMaxRank) {
      return FieldError(
          "", Reason::kShapeMismatch,
          fmt::format("indices have shape {}, their rows would have more than {} axes",
                      indices.ToString(), Shape::kMaxRank));
    }
    Shape output = indices;
    output.Append(weight[1]);
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape& output) {
    // The gradient has all rows of the table, whether they are looked up or not.
    return 4.0 * static_cast<double>(output.element_count()) +
           static_cast<double>(call.operands[0].element_count()) +
           static_cast<double>(call.operands[1].element_count());
  }

  static std::optional<IndexOperand> FindIndexOperand(const ShapeCall& call) {
    return IndexOperand{0, call.operands[1][0]};
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    ForEachElement(call, [&](int64_t i, int64_t in_table) { output[i] = call[1][in_table]; });
  }

  // Only of the table: indices have no gradient.
  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    ForEachElement(call,
                   [&](int64_t i, int64_t in_table) { gradient[in_table] += call.upstream[i]; });
  }

 private:
  // Calls f(i, in_table) for each element of the output and the one of the table that it copies.
  template <class T, class F>
  static void ForEachElement(const OpCall<T>& call, F f) {
    const Tensor<T>& indices = call[0];
    const int64_t columns = call[1].shape()[1];
    ForEachIndex(indices.size(), [&](int64_t row) {
      const auto index = static_cast<int64_t>(PlainValue(indices[row]));
      ForEachIndex(columns, [&](int64_t d) { f(row * columns + d, index * columns + d); });
    });
  }
};

}  // namespace

const Op& EmbeddingOp() { return OpOf<Embedding>(); }

}  // namespace gradus
