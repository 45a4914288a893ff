#include "fmt/format.h"
#include "server/ops/axis_reduction.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Variance : GroupReduction<Variance> {
  static constexpr auto kCase = v1::Node::kVariance;
  static constexpr std::string_view kFormula =
      "y = (sum_i (x_i - mean(x))^2) / n over the axes; n - 1 in place of n if unbiased";
  static constexpr std::string_view kVjp =
      "grad(x_i) = 2 u (x_i - mean(x)) / n; n - 1 in place of n if unbiased";

  static const v1::Variance& Attributes(const v1::Node& node) { return node.variance(); }

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    absl::StatusOr<Shape> output = OverAxes::InferShape(call);
    const Shape& x = call.operands[0];
    if (output.ok() && call.node.variance().unbiased() &&
        output->element_count() == x.element_count()) {
      return FieldError("variance.unbiased", Reason::kInvalidValue,
                        fmt::format("needs 2 numbers or more, the axes of input (shape {}) have 1",
                                    x.ToString()));
    }
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 15.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static T Value(const v1::Node& node, std::span<const T> x) {
    const Centre<T> centre(x);
    T sum = T(0);
    ForEachNumber(x, [&](size_t i) { sum += Square(centre.DistanceOf(x[i])); });
    return sum / Divisor<T>(node, x);
  }

  template <class T>
  static void Derivatives(const v1::Node& node, std::span<const T> x, const T&,
                          std::vector<T>& derivatives) {
    const Centre<T> centre(x);
    const T factor = T(2) / Divisor<T>(node, x);
    ForEachNumber(x, [&](size_t i) { derivatives[i] = factor * centre.DistanceOf(x[i]); });
  }

 private:
  // The mean, in two steps: a plain number near it first, so that equal numbers have distance 0,
  // and large ones keep the digits in which they differ.
  template <class T>
  class Centre {
   public:
    explicit Centre(std::span<const T> x) {
      const auto count = static_cast<double>(x.size());
      double near_mean = 0;
      ForEachNumber(x, [&](size_t i) { near_mean += PlainValue(x[i]) / count; });
      near_mean_ = T(near_mean);
      T sum = T(0);
      ForEachNumber(x, [&](size_t i) { sum += x[i] - near_mean_; });
      rest_ = sum / T(count);
    }

    T DistanceOf(const T& number) const { return (number - near_mean_) - rest_; }

   private:
    T near_mean_;
    T rest_;
  };

  template <class T>
  static T Divisor(const v1::Node& node, std::span<const T> x) {
    return T(static_cast<double>(x.size()) - (node.variance().unbiased() ? 1 : 0));
  }
};

}  // namespace

const Op& VarianceOp() { return OpOf<Variance>(); }

}  // namespace gradus
