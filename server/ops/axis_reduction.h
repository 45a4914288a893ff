#ifndef GRADUS_SERVER_OPS_AXIS_REDUCTION_H_
#define GRADUS_SERVER_OPS_AXIS_REDUCTION_H_

#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/kernels/axis_groups.h"
#include "server/kernels/broadcast.h"
#include "server/kernels/interruption.h"
#include "server/kernels/map.h"
#include "server/ops/axes.h"
#include "server/ops/op.h"

namespace gradus {

// What ops that reduce axes have in common. `Impl` adds kCase, kFormula, kVjp, Forward, Vjp and
//
//   static const auto& Attributes(const v1::Node& node);  has axes() and keep_axes()
template <class Impl>
struct OverAxes : OpBase {
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const absl::StatusOr<ReducedShape> reduced = Reduce(call.node, call.operands[0]);
    if (!reduced.ok()) return reduced.status();
    return Impl::Attributes(call.node).keep_axes() ? reduced->kept : reduced->squeezed;
  }

 protected:
  static absl::StatusOr<ReducedShape> Reduce(const v1::Node& node, const Shape& shape) {
    const auto& axes = Impl::Attributes(node).axes();
    return ReduceAxes(shape, {axes.data(), static_cast<size_t>(axes.size())},
                      fmt::format("{}.axes", OpOf<Impl>().name()));
  }
};

// What sum and mean over axes have in common. `Impl` adds to what OverAxes needs
//
//   template <class T> static T Divisor(int64_t count);   of a sum of `count` elements
//
// The output is the sum over the divisor; the input gradient is the upstream over it, repeated
// along the axes.
template <class Impl>
struct AxisReduction : OverAxes<Impl> {
  static double Flops(const ShapeCall& call, const Shape&) {
    return 4.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& x = call[0];
    const Shape kept = AxisReduction::Reduce(call.node, x.shape())->kept;
    BroadcastSumAdd(x.shape(), kept, output.data(), [&](int64_t i) { return x[i]; });
    const T divisor = Impl::template Divisor<T>(x.size() / output.size());
    Map(output, output, [&](const T& sum) { return sum / divisor; });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const Shape kept = AxisReduction::Reduce(call.node, gradient.shape())->kept;
    const T divisor = Impl::template Divisor<T>(gradient.size() / call.upstream.size());
    BroadcastCursor at_upstream(kept, gradient.shape());
    ForEachIndex(gradient.size(), [&](int64_t i) {
      gradient[i] += call.upstream[at_upstream.position()] / divisor;
      at_upstream.Next();
    });
  }
};

// What other functions of the numbers along some axes have in common. `Impl` adds to what OverAxes
// needs Flops and
//
//   // The output of a group.
//   template <class T> static T Value(const v1::Node& node, std::span<const T> x);
//   // Its derivatives: writes dy/dx_i, for all numbers of a group.
//   template <class T> static void Derivatives(const v1::Node& node, std::span<const T> x,
//                                              const T& y, std::vector<T>& derivatives);
template <class Impl>
struct GroupReduction : OverAxes<Impl> {
  // A group and its derivatives.
  static double Scratch(const ShapeCall& call, const Shape& output) {
    return 2 * static_cast<double>(call.operands[0].element_count()) /
           static_cast<double>(output.element_count());
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const Tensor<T>& x = call[0];
    AxisGroups groups(x.shape(), GroupReduction::Reduce(call.node, x.shape())->kept);
    std::vector<T> group(static_cast<size_t>(groups.size()));
    ForEachIndex(output.size(), [&](int64_t i) {
      Gather(x, groups, group);
      output[i] = Impl::template Value<T>(call.node, group);
      groups.NextGroup();
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const Tensor<T>& x = call[0];
    AxisGroups groups(x.shape(), GroupReduction::Reduce(call.node, x.shape())->kept);
    std::vector<T> group(static_cast<size_t>(groups.size()));
    std::vector<T> derivatives(group.size());
    ForEachIndex(call.upstream.size(), [&](int64_t i) {
      Gather(x, groups, group);
      Impl::template Derivatives<T>(call.node, group, call.output[i], derivatives);
      groups.ForEachElement([&](int64_t k, int64_t at) {
        gradient[at] += call.upstream[i] * derivatives[static_cast<size_t>(k)];
      });
      groups.NextGroup();
    });
  }

 protected:
  // Calls f(i) for the index of each number of a group.
  template <class T, class F>
  static void ForEachNumber(std::span<const T> x, F f) {
    ForEachIndex(std::ssize(x), [&](int64_t i) { f(static_cast<size_t>(i)); });
  }

 private:
  template <class T>
  static void Gather(const Tensor<T>& x, AxisGroups& groups, std::vector<T>& group) {
    groups.ForEachElement([&](int64_t k, int64_t at) { group[static_cast<size_t>(k)] = x[at]; });
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_AXIS_REDUCTION_H_
