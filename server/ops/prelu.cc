#include "fmt/format.h"
#include "server/kernels/broadcast.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// An activation with a parameter: the slope serves operand 0, the VJP operand 1.
struct Prelu : OpBase {
  static constexpr auto kCase = v1::Node::kPrelu;
  static constexpr std::string_view kFormula =
      "a = input where input > 0, else negative_slope input";
  static constexpr std::string_view kVjp =
      "grad(input) = u where input > 0, else u negative_slope; grad(negative_slope) = u input "
      "where input < 0, else 0, summed over all that share it";
  static constexpr std::string_view kKinks =
      "input = 0: derivative negative_slope by input, 0 by negative_slope";
  static constexpr std::string_view kOperands[] = {"input", "negative_slope"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& z = call.operands[0];
    const Shape& s = call.operands[1];
    if (z.rank() == 0) {
      return FieldError("", Reason::kShapeMismatch, "input is a scalar, it has no channels");
    }
    const int64_t channels = z[z.rank() == 1 ? 0 : 1];
    if (s != Shape{channels} && s != Shape{1}) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("negative_slope has shape {}, expected [{}], one per channel "
                                    "of the input (shape {}), or [1], shared by all",
                                    s.ToString(), channels, z.ToString()));
    }
    return z;
  }

  // As in leaky_relu, narrower than a choice.
  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& z = call[0];
    const Tensor<T>& s = call[1];
    ForEachElement(z.shape(), s.shape(), [&](int64_t i, int64_t channel) {
      output[i] = Max(T(0), z[i]) + s[channel] * Min(z[i], T(0));
    });
  }

  template <class T>
  static void Slopes(const OpCall<T>& call, const Tensor<T>&, Tensor<T>& slope) {
    const Tensor<T>& z = call[0];
    const Tensor<T>& s = call[1];
    ForEachElement(z.shape(), s.shape(), [&](int64_t i, int64_t channel) {
      slope[i] = SelectPositive(z[i], T(1), s[channel]);
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const Tensor<T>& z = call[0];
    ForEachElement(z.shape(), gradient.shape(), [&](int64_t i, int64_t channel) {
      gradient[channel] += call.upstream[i] * Min(z[i], T(0));
    });
  }

 private:
  // Calls f(i, channel) for every element i of z, `channel` being the position of its slope.
  template <class F>
  static void ForEachElement(const Shape& z, const Shape& slopes, F f) {
    Shape along_channels = slopes;
    for (int axis = 2; axis < z.rank(); ++axis) along_channels.Append(1);
    BroadcastForEach(z, along_channels, z,
                     [&](int64_t i, int64_t, int64_t channel) { f(i, channel); });
  }
};

}  // namespace

const Op& PreluOp() { return OpOf<Prelu>(); }

}  // namespace gradus
