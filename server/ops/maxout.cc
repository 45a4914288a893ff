#include <vector>

#include "fmt/format.h"
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
  static constexpr std::string_view kKinks = "a tie: the first of the group takes all";
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
    const Tensor<T>& z = call[0];
    const int64_t piece_count = z.size() / output.size();
    for (int64_t j = 0; j < output.size(); ++j) {
      T largest = z[j * piece_count];
      for (int64_t p = 1; p < piece_count; ++p) largest = Max(largest, z[j * piece_count + p]);
      output[j] = largest;
    }
  }

  // Backwards through the comparisons of Forward: what is left of the upstream gradient goes to an
  // element that exceeds all before it, or else passes it by.
  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const Tensor<T>& z = call[0];
    const int64_t piece_count = z.size() / call.upstream.size();
    std::vector<T> largest(static_cast<size_t>(piece_count));  // of the elements up to p
    for (int64_t j = 0; j < call.upstream.size(); ++j) {
      const int64_t begin = j * piece_count;
      largest[0] = z[begin];
      for (int64_t p = 1; p < piece_count; ++p) {
        largest[static_cast<size_t>(p)] = Max(largest[static_cast<size_t>(p - 1)], z[begin + p]);
      }
      T left = call.upstream[j];
      for (int64_t p = piece_count - 1; p > 0; --p) {
        const T lead = z[begin + p] - largest[static_cast<size_t>(p - 1)];
        gradient[begin + p] += SelectPositive(lead, left, T(0));
        left = SelectPositive(lead, T(0), left);
      }
      gradient[begin] += left;
    }
  }
};

}  // namespace

const Op& MaxoutOp() { return OpOf<Maxout>(); }

}  // namespace gradus
