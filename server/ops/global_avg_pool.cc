#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// The spatial axes are the last, so that what one element of the output reads lies together.
struct GlobalAvgPool : OpBase {
  static constexpr auto kCase = v1::Node::kGlobalAvgPool;
  static constexpr std::string_view kFormula = "y = mean over all spatial axes";
  static constexpr std::string_view kVjp = "grad(x) = u / n, n the number of places";
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& x = call.operands[0];
    if (x.rank() < 3) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("input has shape {}, expected [N, C, ...] with at least one "
                                    "spatial axis",
                                    x.ToString()));
    }
    Shape output = {x[0], x[1]};
    if (call.node.global_avg_pool().keep_axes()) {
      while (output.rank() < x.rank()) output.Append(1);
    }
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 2.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const int64_t places = call[0].size() / output.size();
    ForEachIndex(output.size(), [&](int64_t i) {
      ForEachIndex(places, [&](int64_t place) { output[i] += call[0][i * places + place]; });
      output[i] /= T(static_cast<double>(places));
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const int64_t places = gradient.size() / call.upstream.size();
    ForEachIndex(call.upstream.size(), [&](int64_t i) {
      const T share = call.upstream[i] / T(static_cast<double>(places));
      ForEachIndex(places, [&](int64_t place) { gradient[i * places + place] += share; });
    });
  }
};

}  // namespace

const Op& GlobalAvgPoolOp() { return OpOf<GlobalAvgPool>(); }

}  // namespace gradus
