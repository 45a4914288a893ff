// The oracle of the ops' tests: gradients from nothing but forward evaluations.

#ifndef GRADUS_TESTS_SUPPORT_NUMERIC_GRADIENT_H_
#define GRADUS_TESTS_SUPPORT_NUMERIC_GRADIENT_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

#include "fmt/format.h"
#include "server/checking/tolerance.h"
#include "server/tensor/tensor.h"

namespace gradus::testing {

// A number and how far it may be from the true one.
struct Estimate {
  double value;
  double error;
};

// Derivative by Richardson extrapolation of central differences: `difference(h)` is
// (f(x + h) - f(x - h)) / 2h, whose error is a series in h^2. Each further column of the tableau
// removes one term of it; the answer is the entry that moved least from its neighbours (Ridders'
// choice), and how far it moved is its error. At a kink no entry settles, and the error says so.
//
// The largest step, 2^-8, is what a domain must keep off its edges and kinks.
template <class F>
Estimate Extrapolate(F difference) {
  constexpr size_t kSteps = 4;
  std::array<std::array<double, kSteps>, kSteps> tableau;
  Estimate best = {0, std::numeric_limits<double>::infinity()};
  double step = 0x1p-8;
  for (size_t row = 0; row < kSteps; ++row, step /= 2) {
    tableau[row][0] = difference(step);
    double power = 1;
    for (size_t column = 1; column <= row; ++column) {
      power *= 4;
      const double left = tableau[row][column - 1];
      const double above = tableau[row - 1][column - 1];
      const double value = left + (left - above) / (power - 1);
      tableau[row][column] = value;
      const double error = std::max(std::abs(value - left), std::abs(value - above));
      if (error <= best.error) best = {value, error};
    }
  }
  return best;
}

// Gradient of sum_k upstream_k y_k with respect to each element of x, where y = f(x).
template <class F>
std::vector<Estimate> NumericGradient(F f, Tensor<double> x, const Tensor<double>& upstream) {
  std::vector<Estimate> gradient;
  for (int64_t i = 0; i < x.size(); ++i) {
    const double center = x[i];
    double rounding = 0;
    const auto difference = [&](double step) {
      const double high = center + step;
      const double low = center - step;
      x[i] = high;
      const Tensor<double> y_high = f(x);
      x[i] = low;
      const Tensor<double> y_low = f(x);
      x[i] = center;
      // Outputs are subtracted before they are weighed and added up, so that those that x[i] does
      // not reach drop out exactly instead of adding their rounding errors.
      double sum = 0;
      double magnitude = 0;
      for (int64_t k = 0; k < upstream.size(); ++k) {
        sum += upstream[k] * (y_high[k] - y_low[k]);
        if (y_high[k] == y_low[k]) continue;
        magnitude += std::abs(upstream[k]) * (std::abs(y_high[k]) + std::abs(y_low[k]));
      }
      rounding = std::numeric_limits<double>::epsilon() * magnitude / (high - low);
      return sum / (high - low);  // what was really stepped, after rounding
    };
    Estimate estimate = Extrapolate(difference);
    estimate.error += rounding;  // that of the smallest step, which was the last
    gradient.push_back(estimate);
  }
  return gradient;
}

// Is every element of a gradient near its estimate? `tolerance.absolute` is in units of the largest
// element of the estimated gradient: a gradient that is small as a whole is held to the same
// digits, and one that is zero everywhere must be zero. Fails also where the estimate is too
// uncertain to judge by.
inline ::testing::AssertionResult Agree(const Tensor<double>& gradient,
                                        const std::vector<Estimate>& numeric,
                                        const Tolerance& tolerance) {
  if (gradient.values().size() != numeric.size()) {
    return ::testing::AssertionFailure() << fmt::format("{} elements, the numeric gradient has {}",
                                                        gradient.size(), numeric.size());
  }
  double largest = 0;
  for (const Estimate& estimate : numeric) largest = std::max(largest, std::abs(estimate.value));
  const Tolerance scaled = {tolerance.relative, tolerance.absolute * largest};
  for (size_t i = 0; i < numeric.size(); ++i) {
    const auto [value, error] = numeric[i];
    if (!IsNear(value + error, value, scaled)) {
      return ::testing::AssertionFailure() << fmt::format(
                 "element {}: the difference quotients do not settle ({} +- {}); is an operand "
                 "near a "
                 "kink or the edge of the domain?",
                 i, value, error);
    }
    const double analytic = gradient.values()[i];
    if (!IsNear(analytic, value, scaled)) {
      return ::testing::AssertionFailure()
             << fmt::format("element {}: analytic {}, numeric {} +- {}", i, analytic, value, error);
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_NUMERIC_GRADIENT_H_
