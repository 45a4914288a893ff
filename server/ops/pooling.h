#ifndef GRADUS_SERVER_OPS_POOLING_H_
#define GRADUS_SERVER_OPS_POOLING_H_

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "server/kernels/argmax.h"
#include "server/kernels/interruption.h"
#include "server/kernels/window.h"
#include "server/ops/op.h"
#include "server/ops/window_attributes.h"
#include "server/tensor/shape.h"

namespace gradus {

// The attributes of a pooling as they were sent.
struct PoolingAttributes {
  std::string_view op;  // name of its field in Node.op
  int spatial_axes;
  std::span<const int64_t> kernel;
  std::span<const int64_t> stride;
  std::span<const int64_t> padding;
};

// Windows that fit the input, on each image [height, width] of an example and a channel. Each
// window has at least one place that is no padding.
struct PoolingPlan {
  int64_t images;
  WindowGrid grid;
  Shape output;
};
absl::StatusOr<PoolingPlan> PlanPooling(const PoolingAttributes& attributes, const Shape& input);

// Cost of visiting each place of each window `cost` times.
double PoolingFlops(const PoolingPlan& plan, double cost);

// What poolings have in common. `Impl` adds kCase, kFormula, kVjp, and
//
//   static PoolingAttributes Attributes(const v1::Node& node);
//
// and its family, below, Forward and Vjp.
template <class Impl>
struct PoolingFamily : OpBase {
  static constexpr std::string_view kOperands[] = {"input"};

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const auto plan = PlanPooling(Impl::Attributes(call.node), call.operands[0]);
    if (!plan.ok()) return plan.status();
    return plan->output;
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    constexpr double kPerPlace = 10;
    return static_cast<double>(call.operands[0].element_count()) +
           PoolingFlops(*PlanPooling(Impl::Attributes(call.node), call.operands[0]), kPerPlace);
  }

  // The places of a window, its numbers and their weights; vectors that grow take up to thrice what
  // is in them.
  static double Scratch(const ShapeCall& call, const Shape&) {
    const WindowGrid grid = PlanPooling(Impl::Attributes(call.node), call.operands[0])->grid;
    return 9 * static_cast<double>(std::min(grid.height.size, grid.height.length)) *
           static_cast<double>(std::min(grid.width.size, grid.width.length));
  }

 protected:
  // Calls f(i, places) for each element i of the output, with the places in the input, at least
  // one, that it reads.
  template <class T, class F>
  static void ForEachWindow(const OpCall<T>& call, F f) {
    const PoolingPlan plan = *PlanPooling(Impl::Attributes(call.node), call[0].shape());
    std::vector<int64_t> places;
    const int64_t windows = plan.grid.windows();
    ForEachIndex(plan.images, [&](int64_t image) {
      const int64_t begin = image * plan.grid.image_size();
      ForEachIndex(windows, [&](int64_t window) {
        places.clear();
        ForEachPlace(plan.grid, window, [&](int64_t place) { places.push_back(begin + place); });
        if (places.empty()) return;  // interrupted
        f(image * windows + window, std::span<const int64_t>(places));
      });
    });
  }
};

template <class Impl>
struct MaxPoolFamily : PoolingFamily<Impl> {
  static constexpr std::string_view kFormula = "y = the largest element of each window";
  static constexpr std::string_view kVjp =
      "grad(x) = u of each window whose largest element x is, summed";
  static constexpr std::string_view kKinks =
      "a tie of the largest in a window: derivative 1 by the first of them in row-major order, 0 "
      "by the others";

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    std::vector<T> values;
    Impl::ForEachWindow(call, [&](int64_t i, std::span<const int64_t> places) {
      Read(call[0], places, values);
      output[i] = Largest<T>(values);
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    std::vector<T> values;
    std::vector<T> weights;
    Impl::ForEachWindow(call, [&](int64_t i, std::span<const int64_t> places) {
      Read(call[0], places, values);
      LargestWeights<T>(values, weights);
      ForEachIndex(std::ssize(places), [&](int64_t n) {
        const auto k = static_cast<size_t>(n);
        gradient[places[k]] += call.upstream[i] * weights[k];
      });
    });
  }

 private:
  template <class T>
  static void Read(const Tensor<T>& x, std::span<const int64_t> places, std::vector<T>& values) {
    values.resize(places.size());
    ForEachIndex(std::ssize(places), [&](int64_t k) {
      values[static_cast<size_t>(k)] = x[places[static_cast<size_t>(k)]];
    });
  }
};

// `Impl` adds besides: `static bool CountsPadding(const v1::Node& node)`.
template <class Impl>
struct AvgPoolFamily : PoolingFamily<Impl> {
  static constexpr std::string_view kFormula =
      "y = sum of each window / n, n the size of the window, or the elements that are no padding "
      "unless count_include_pad";
  static constexpr std::string_view kVjp = "grad(x) = u / n of each window that x is in, summed";

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    const double window_size = WindowSize(call);
    Impl::ForEachWindow(call, [&](int64_t i, std::span<const int64_t> places) {
      T sum = T(0);
      ForEachIndex(std::ssize(places),
                   [&](int64_t k) { sum += call[0][places[static_cast<size_t>(k)]]; });
      output[i] = sum / Divisor<T>(call.node, places, window_size);
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int, Tensor<T>& gradient) {
    const double window_size = WindowSize(call);
    Impl::ForEachWindow(call, [&](int64_t i, std::span<const int64_t> places) {
      const T share = call.upstream[i] / Divisor<T>(call.node, places, window_size);
      ForEachIndex(std::ssize(places),
                   [&](int64_t k) { gradient[places[static_cast<size_t>(k)]] += share; });
    });
  }

 private:
  // Padding included. Of a window that is mostly padding the whole may not fit an integer.
  template <class T>
  static double WindowSize(const OpCall<T>& call) {
    const WindowGrid grid = PlanPooling(Impl::Attributes(call.node), call[0].shape())->grid;
    return static_cast<double>(grid.height.size) * static_cast<double>(grid.width.size);
  }

  template <class T>
  static T Divisor(const v1::Node& node, std::span<const int64_t> places, double window_size) {
    return T(Impl::CountsPadding(node) ? window_size : static_cast<double>(places.size()));
  }
};

// The attributes that all poolings have.
template <class Message>
PoolingAttributes ReadPooling(std::string_view op, int spatial_axes, const Message& message) {
  return {op, spatial_axes, EntriesOf(message.kernel()), EntriesOf(message.stride()),
          EntriesOf(message.padding())};
}

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_POOLING_H_
