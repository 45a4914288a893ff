#include <cmath>

#include "server/ops/axis_reduction.h"

namespace gradus {
namespace {

// As m + log(1 + sum of the others' exp(x_i - m)), which neither overflows nor loses the digits of
// a sum near 1. m is a plain number: it cancels, so it has no derivative, and it must not widen an
// interval.
struct LogSumExp : GroupReduction<LogSumExp> {
  static constexpr auto kCase = v1::Node::kLogSumExp;
  static constexpr std::string_view kFormula = "y = m + log sum_i exp(x_i - m), m = max x";
  static constexpr std::string_view kVjp = "grad(x_i) = u exp(x_i - y), from the output";

  static const v1::LogSumExp& Attributes(const v1::Node& node) { return node.log_sum_exp(); }

  static double Flops(const ShapeCall& call, const Shape&) {
    return 30.0 * static_cast<double>(call.operands[0].element_count());
  }

  template <class T>
  static T Value(const v1::Node&, std::span<const T> x) {
    using std::exp;
    using std::log1p;
    size_t largest = 0;
    ForEachNumber(x, [&](size_t i) {
      if (PlainValue(x[i]) > PlainValue(x[largest])) largest = i;
    });
    // Infinities do not cancel; without a shift they give the right answer.
    const double m = PlainValue(x[largest]);
    const T shift = T(std::isfinite(m) ? m : 0);
    T others = T(0);
    ForEachNumber(x, [&](size_t i) {
      if (i != largest) others += exp(x[i] - shift);
    });
    return shift + log1p((exp(x[largest] - shift) - T(1)) + others);
  }

  template <class T>
  static void Derivatives(const v1::Node&, std::span<const T> x, const T& y,
                          std::vector<T>& derivatives) {
    using std::exp;
    ForEachNumber(x, [&](size_t i) { derivatives[i] = exp(x[i] - y); });
  }
};

}  // namespace

const Op& LogSumExpOp() { return OpOf<LogSumExp>(); }

}  // namespace gradus
