#ifndef GRADUS_SERVER_TENSOR_SCALAR_H_
#define GRADUS_SERVER_TENSOR_SCALAR_H_

#include <algorithm>
#include <cmath>
#include <tuple>

#include "server/tensor/dual.h"
#include "server/tensor/interval.h"

namespace gradus {

// The number systems that every op is written for: Family<T> once per scalar.
//
// All have + - * /, the functions exp, expm1, log, log1p, sqrt, tanh and erfc (call them
// unqualified after `using std::exp;`), and the ones below. An op constructs constants as T(0.5),
// and branches on a computed number only by SelectPositive, Max, Min and Absolute, never by `if`: a
// comparison is undecided for an interval around 0, and hides a kink from a dual number.
//
// `if` may look at PlainValue where both sides are the same function and only the rounding differs.
template <template <class> class Family>
using PerScalar = std::tuple<Family<double>, Family<float>, Family<Dual>, Family<Interval>>;

// The plain number nearest to x, without derivative or width. What is computed from it is a
// constant: the shift of a softmax, an index.
inline double PlainValue(double x) { return x; }
inline double PlainValue(float x) { return static_cast<double>(x); }

// `if_positive` where x > 0, else `otherwise`; a kink at x = 0. NaN counts as positive, so that an
// op that hands its operand on hands on the NaN.
template <class T>
T SelectPositive(const T& x, const T& if_positive, const T& otherwise) {
  return x <= T(0) ? otherwise : if_positive;
}

// The larger and the smaller of two numbers, with a kink where they are equal: there, a counts.
// NaN if either is.
template <class T>
T Max(const T& a, const T& b) {
  return b <= a || std::isnan(a) ? a : b;
}
template <class T>
T Min(const T& a, const T& b) {
  return b >= a || std::isnan(a) ? a : b;
}

// `if_greater` where a > b, else `otherwise`: the branch that Max(b, a) takes. Not by the sign of
// a - b, as infinities tie too. For what is never differentiated, so not for dual numbers.
template <class T>
T SelectGreater(const T& a, const T& b, const T& if_greater, const T& otherwise) {
  return a <= b || std::isnan(b) ? otherwise : if_greater;
}
inline Interval SelectGreater(const Interval& a, const Interval& b, const Interval& if_greater,
                              const Interval& otherwise) {
  if (a.lo() > b.hi()) return if_greater;
  if (a.hi() < b.lo()) return otherwise;
  return {std::min(if_greater.lo(), otherwise.lo()), std::max(if_greater.hi(), otherwise.hi())};
}

// |x|, with a kink at 0, where the slope counts as 0.
inline double Absolute(double x) { return std::abs(x); }
inline float Absolute(float x) { return std::abs(x); }

// x^2. For an interval around 0 it is narrower than x * x.
template <class T>
T Square(const T& x) {
  return x * x;
}

// x^exponent. NaN for x < 0 unless the exponent is whole.
inline double Power(double x, double exponent) { return std::pow(x, exponent); }
inline float Power(float x, double exponent) {
  return static_cast<float>(std::pow(static_cast<double>(x), exponent));
}

}  // namespace gradus

#endif  // GRADUS_SERVER_TENSOR_SCALAR_H_
