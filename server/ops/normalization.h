#ifndef GRADUS_SERVER_OPS_NORMALIZATION_H_
#define GRADUS_SERVER_OPS_NORMALIZATION_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"
#include "server/tensor/shape.h"

namespace gradus {

// What keeps a denominator from 0, and where it stands.
struct DenominatorOffset {
  double value;
  v1::EpsilonPlacement placement;

  bool inside_root() const { return placement != v1::EPSILON_PLACEMENT_OUTSIDE_ROOT; }
};

// An error at "<op>.<value_name>" or at "<op>.epsilon_placement" if the offset is none.
absl::Status CheckOffset(const DenominatorOffset& offset, std::string_view op,
                         std::string_view value_name);

// An error unless each operand from `first` on has the shape `expected`.
absl::Status CheckParameters(const ShapeCall& call, std::span<const std::string_view> names,
                             size_t first, const Shape& expected);

// sqrt(v + offset) or sqrt(v) + offset, of a variance or mean square v.
template <class T>
struct Denominator {
  T root;  // without an offset that stands outside
  T value;

  // `v` and the denominator are in units of `unit`, which the offset is not.
  Denominator(const T& v, const DenominatorOffset& offset, double unit = 1) {
    using std::sqrt;
    if (offset.inside_root()) {
      root = sqrt(v + T(offset.value / unit / unit));
      value = root;
    } else {
      root = sqrt(v);
      value = root + T(offset.value / unit);
    }
  }
};

// Elements that are normalised together: blocks of neighbours at equal distances.
struct ElementGroup {
  int64_t begin;
  int64_t block_length;
  int64_t block_count;
  int64_t block_stride;

  int64_t size() const { return block_length * block_count; }

  // Calls f(i) with the position of each element, in row-major order.
  template <class F>
  void ForEach(F f) const {
    ForEachIndex(block_count, [&](int64_t block) {
      const int64_t first = begin + block * block_stride;
      ForEachIndex(block_length, [&](int64_t i) { f(first + i); });
    });
  }
};

// How a tensor falls into groups, and which entries of gamma and beta scale its elements.
struct NormalizationLayout {
  int64_t group_count;
  int64_t block_length;
  int64_t block_count;
  int64_t block_stride;
  // Shape of gamma and beta; element i is scaled by their entry i / parameter_stride, counted
  // modulo their number.
  Shape parameter;
  int64_t parameter_stride;

  ElementGroup Group(int64_t i) const {
    return {i * block_length, block_length, block_count, block_stride};
  }
  int64_t ParameterIndex(int64_t i) const {
    return i / parameter_stride % parameter.element_count();
  }

  // One group, and one parameter, per entry of an axis.
  static NormalizationLayout PerChannel(const Shape& shape, int channel_axis);
  // One group per entry of the axes before `first_axis`, one parameter per entry of the others.
  static NormalizationLayout PerExample(const Shape& shape, int first_axis);
  // `group_count` groups per example, which divide the channels of axis 1; one parameter per
  // channel.
  static NormalizationLayout PerChannelGroup(const Shape& shape, int64_t group_count);
};

// One group of numbers and its statistics. The variance is computed in units of about the largest
// number, a power of two, so that squares neither overflow nor vanish.
template <class T>
class NormalizedGroup {
 public:
  // `divisor` is that of the variance. Not centred: the mean counts as 0. `x` outlives it.
  NormalizedGroup(const Tensor<T>& x, const ElementGroup& group, bool centred, int64_t divisor,
                  const DenominatorOffset& offset)
      : x_(x),
        mean_(centred ? Mean(x, group) : T(0)),
        unit_(FindUnit(x, group, mean_, offset)),
        denominator_(Variance(group, divisor), offset, unit_),
        largest_ratio_(std::sqrt(static_cast<double>(group.size()))) {}

  // (x_i - mean) / denominator.
  T Normalized(int64_t i) const { return Centred(i) / denominator_.value; }

  // (x_i - mean) / root: the derivative of the root, times the divisor. Where the root is 0 all
  // numbers are equal, and the root stays 0 to first order.
  T OverRoot(int64_t i) const {
    // No number is further from the mean; a bound for intervals whose root may be 0.
    const T ratio = Max(T(-largest_ratio_), Min(T(largest_ratio_), Centred(i) / denominator_.root));
    return SelectPositive(denominator_.root, ratio, T(0));
  }

  // x / denominator.
  T OverDenominator(const T& x) const { return x / denominator_.value / T(unit_); }

 private:
  static T Mean(const Tensor<T>& x, const ElementGroup& group) {
    T sum = T(0);
    group.ForEach([&](int64_t i) { sum += x[i]; });
    return sum / T(static_cast<double>(group.size()));
  }

  // A plain number: it cancels.
  static double FindUnit(const Tensor<T>& x, const ElementGroup& group, const T& mean,
                         const DenominatorOffset& offset) {
    double largest = offset.inside_root() ? std::sqrt(offset.value) : offset.value;
    group.ForEach(
        [&](int64_t i) { largest = std::max(largest, std::abs(PlainValue(x[i] - mean))); });
    if (largest == 0 || !std::isfinite(largest)) return 1;
    return std::ldexp(1.0, std::ilogb(largest));
  }

  T Variance(const ElementGroup& group, int64_t divisor) const {
    T sum = T(0);
    group.ForEach([&](int64_t i) { sum += Square(Centred(i)); });
    return sum / T(static_cast<double>(divisor));
  }

  // In units of `unit_`.
  T Centred(int64_t i) const { return (x_[i] - mean_) / T(unit_); }

  const Tensor<T>& x_;
  T mean_;
  double unit_;
  Denominator<T> denominator_;  // in units of `unit_`
  double largest_ratio_;
};

// What normalisations with the statistics of their operand have in common. `Impl` adds kCase,
// kFormula and
//
//   static constexpr std::string_view kOffsetName;  of the attribute: "variance_epsilon"
//   static DenominatorOffset Offset(const v1::Node& node);
//   static absl::StatusOr<NormalizationLayout> FindLayout(const v1::Node& node, const Shape& x);
//
// and hides of the following what differs.
template <class Impl>
struct Normalization : OpBase {
  static constexpr std::string_view kVjp =
      "grad(input) = (w - mean(w) - (c / r) sum(w c / d) / n) / d, w = u gamma, c = input - mean, "
      "r the root in d, n the divisor of the variance; grad(gamma) = sum of u c / d, grad(beta) = "
      "sum of u, each over all that share it";
  static constexpr std::string_view kKinks =
      "variance = 0 without an epsilon in the root: derivative 0 of the root";
  static constexpr std::string_view kOperands[] = {"input", "gamma", "beta"};
  static constexpr int kOptionalOperands = 2;
  static constexpr std::string_view kOffsetName = "variance_epsilon";
  static constexpr bool kCentred = true;
  static bool IsUnbiased(const v1::Node&) { return false; }

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const DenominatorOffset offset = Impl::Offset(call.node);
    const std::string_view name = OpOf<Impl>().name();
    if (absl::Status s = CheckOffset(offset, name, Impl::kOffsetName); !s.ok()) return s;
    const auto layout = Impl::FindLayout(call.node, call.operands[0]);
    if (!layout.ok()) return layout.status();
    if (Impl::IsUnbiased(call.node) && layout->Group(0).size() < 2) {
      return FieldError(fmt::format("{}.unbiased", name), Reason::kInvalidValue,
                        "a variance with divisor n - 1 needs 2 or more numbers, there is one");
    }
    if (absl::Status s = CheckParameters(call, Impl::kOperands, 1, layout->parameter); !s.ok()) {
      return s;
    }
    return call.operands[0];
  }

  static double Flops(const ShapeCall&, const Shape& output) {
    return 30.0 * static_cast<double>(output.element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    ForEachGroup(call, [&](const NormalizationLayout& layout, const ElementGroup& group,
                           const NormalizedGroup<T>& numbers, int64_t) {
      group.ForEach([&](int64_t i) {
        output[i] = numbers.Normalized(i);
        const int64_t parameter = layout.ParameterIndex(i);
        if (call.operand_count() > 1) output[i] *= call[1][parameter];
        if (call.operand_count() > 2) output[i] += call[2][parameter];
      });
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const Tensor<T>& u = call.upstream;
    ForEachGroup(call, [&](const NormalizationLayout& layout, const ElementGroup& group,
                           const NormalizedGroup<T>& numbers, int64_t divisor) {
      if (position > 0) {
        group.ForEach([&](int64_t i) {
          gradient[layout.ParameterIndex(i)] += position == 1 ? u[i] * numbers.Normalized(i) : u[i];
        });
        return;
      }
      // Upstream of the normalised numbers.
      const auto weighted = [&](int64_t i) {
        return call.operand_count() > 1 ? u[i] * call[1][layout.ParameterIndex(i)] : u[i];
      };
      T sum = T(0);
      T dot = T(0);
      group.ForEach([&](int64_t i) {
        sum += weighted(i);
        dot += weighted(i) * numbers.Normalized(i);
      });
      const T mean = Impl::kCentred ? sum / T(static_cast<double>(group.size())) : T(0);
      dot /= T(static_cast<double>(divisor));
      group.ForEach([&](int64_t i) {
        gradient[i] += numbers.OverDenominator(weighted(i) - mean - numbers.OverRoot(i) * dot);
      });
    });
  }

 private:
  // Calls f(layout, group, numbers, divisor of the variance) for each group.
  template <class T, class F>
  static void ForEachGroup(const OpCall<T>& call, F f) {
    const Tensor<T>& x = call[0];
    const NormalizationLayout layout = *Impl::FindLayout(call.node, x.shape());
    const DenominatorOffset offset = Impl::Offset(call.node);
    ForEachIndex(layout.group_count, [&](int64_t i) {
      const ElementGroup group = layout.Group(i);
      const int64_t divisor = group.size() - (Impl::IsUnbiased(call.node) ? 1 : 0);
      f(layout, group, NormalizedGroup<T>(x, group, Impl::kCentred, divisor, offset), divisor);
    });
  }
};

// The offset in an attribute with the usual name.
template <class Message>
DenominatorOffset ReadVarianceOffset(const Message& message) {
  return {message.has_variance_epsilon() ? message.variance_epsilon() : 1e-5,
          message.epsilon_placement()};
}

// The axis of the channels, from 0 on, for batch normalisations.
absl::StatusOr<int> FindChannelAxis(std::string_view op, int axis, const Shape& shape);

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_NORMALIZATION_H_
