#include <vector>

#include "fmt/format.h"
#include "server/kernels/argmax.h"
#include "server/kernels/interruption.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Maxout : OpBase {
  static constexpr auto kCase = v1::Node::kMaxout;
  static constexpr std::string_view kFormula =
      "a_j = max over p of z_(j piece_count + p), p from 0 to piece_count - 1";
  static constexpr std::string_view kVjp =
      "grad(z_i) = u_j where z_i is the largest of group j, else 0";
  static constexpr std::string_view kKinks =
      "a tie of the largest in a group: derivative 1 by the first of them, 0 by the others";
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& z = call.operands[0];
    const int64_t piece_count = call.node.maxout().piece_count();
    if (z.rank() == 0) {
      return FieldError("", Reason::kShapeMismatch, "input is a scalar, it has no features");
    }
    if (piece_count < 1) {
      return FieldError("maxout.piece_count", Reason::kInvalidValue,
                        fmt::format("{} is less than 1", piece_count));
    }
    if (z.back() % piece_count != 0) {
      return FieldError("maxout.piece_count", Reason::kShapeMismatch,
                        fmt::format("{} does not divide {}, the features of the input (shape {})",
                                    piece_count, z.back(), z.ToString()));
    }
    Shape output = z;
    output[z.rank() - 1] /= piece_count;
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 4.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    ForEachIndex(output.size(), [&](int64_t j) { output[j] = Largest(Group(call[0], output, j)); });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const Tensor<T>& u = call.upstream;
    const int64_t piece_count = gradient.size() / u.size();
    std::vector<T> weights;
    ForEachIndex(u.size(), [&](int64_t j) {
      LargestWeights(Group(call[0], u, j), weights);
      ForEachIndex(piece_count, [&](int64_t p) {
        gradient[j * piece_count + p] += u[j] * weights[static_cast<size_t>(p)];
      });
    });
  }

 private:
  // The elements of which element j of the output is the largest.
  template <class T>
  static std::span<const T> Group(const Tensor<T>& z, const Tensor<T>& output, int64_t j) {
    const int64_t piece_count = z.size() / output.size();
    return {z.data() + j * piece_count, static_cast<size_t>(piece_count)};
  }
};

}  // namespace

const Op& MaxoutOp() { return OpOf<Maxout>(); }

}  // namespace gradus
