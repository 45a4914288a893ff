#ifndef GRADUS_SERVER_TENSOR_INTERVAL_H_
#define GRADUS_SERVER_TENSOR_INTERVAL_H_

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus {

// All real numbers from lo to hi. An operation contains the result for every choice of numbers from
// its operands, so a computation contains whatever correct arithmetic can give on numbers that are
// known up to a rounding.
//
// Bounds are computed to nearest and then moved outward by two units in the last place, which
// covers the rounding of + - * / sqrt and the error of the C library's other functions; switching
// the rounding mode would cost 50 to 150 times as much. An undefined result (0 * infinity, the log
// of a negative number) is everything, from -infinity to infinity. Numbers below the smallest
// normal one (2e-308) are not followed: a product that underflows is 0.
class Interval {
 public:
  // Exactly 0.
  Interval() = default;
  // Exactly x. NaN is everything.
  explicit Interval(double x) : Interval(x, x) {}
  // lo <= hi; if either is NaN, everything.
  Interval(double lo, double hi) : lo_(lo), hi_(hi) {
    if (std::isnan(lo) || std::isnan(hi)) {
      lo_ = -kInfinity;
      hi_ = kInfinity;
    }
  }

  double lo() const { return lo_; }
  double hi() const { return hi_; }
  bool Contains(double x) const { return lo_ <= x && x <= hi_; }

  friend Interval operator-(const Interval& x) { return {-x.hi_, -x.lo_}; }
  friend Interval operator+(const Interval& a, const Interval& b) {
    return Outward(a.lo_ + b.lo_, a.hi_ + b.hi_);
  }
  friend Interval operator-(const Interval& a, const Interval& b) {
    return Outward(a.lo_ - b.hi_, a.hi_ - b.lo_);
  }
  friend Interval operator*(const Interval& a, const Interval& b) {
    return OutwardHull(a.lo_ * b.lo_, a.lo_ * b.hi_, a.hi_ * b.lo_, a.hi_ * b.hi_);
  }
  friend Interval operator/(const Interval& a, const Interval& b) {
    if (b.Contains(0)) return {-kInfinity, kInfinity};
    return OutwardHull(a.lo_ / b.lo_, a.lo_ / b.hi_, a.hi_ / b.lo_, a.hi_ / b.hi_);
  }
  Interval& operator+=(const Interval& x) { return *this = *this + x; }
  Interval& operator-=(const Interval& x) { return *this = *this - x; }
  Interval& operator*=(const Interval& x) { return *this = *this * x; }
  Interval& operator/=(const Interval& x) { return *this = *this / x; }

  // These grow with x, up to tanh.
  friend Interval exp(const Interval& x) {
    const Interval result = Outward(std::exp(x.lo_), std::exp(x.hi_));
    return {std::max(0.0, result.lo_), result.hi_};
  }
  friend Interval expm1(const Interval& x) { return Outward(std::expm1(x.lo_), std::expm1(x.hi_)); }
  friend Interval log(const Interval& x) { return Outward(std::log(x.lo_), std::log(x.hi_)); }
  friend Interval log1p(const Interval& x) { return Outward(std::log1p(x.lo_), std::log1p(x.hi_)); }
  // A variance may reach below 0 by rounding only.
  friend Interval sqrt(const Interval& x) {
    if (x.hi_ < 0) return {-kInfinity, kInfinity};
    const Interval result = Outward(std::sqrt(std::max(0.0, x.lo_)), std::sqrt(x.hi_));
    return {std::max(0.0, result.lo_), result.hi_};
  }
  friend Interval tanh(const Interval& x) { return Outward(std::tanh(x.lo_), std::tanh(x.hi_)); }
  // Falls as x grows. The C library is off by up to 6 units in the last place.
  friend Interval erfc(const Interval& x) {
    constexpr double kError = 4 * std::numeric_limits<double>::epsilon();
    return Interval(std::erfc(x.hi_), std::erfc(x.lo_)) * Interval(1 - kError, 1 + kError);
  }

  friend Interval Power(const Interval& x, double exponent) {
    const double at_lo = std::pow(x.lo_, exponent);
    const double at_hi = std::pow(x.hi_, exponent);
    const Interval ends = OutwardHull(at_lo, at_hi, at_lo, at_hi);
    // Monotone on either side of 0; at 0 itself a power is 0, or 1, or has a pole.
    if (!x.Contains(0) || exponent == 0) return ends;
    if (exponent < 0) return {-kInfinity, kInfinity};
    return {std::min(0.0, ends.lo_), std::max(0.0, ends.hi_)};
  }

  // The middle, for a finite interval.
  friend double PlainValue(const Interval& x) { return x.lo_ / 2 + x.hi_ / 2; }

  friend Interval SelectPositive(const Interval& x, const Interval& if_positive,
                                 const Interval& otherwise) {
    if (x.lo_ > 0) return if_positive;
    if (x.hi_ < 0) return otherwise;
    return {std::min(if_positive.lo_, otherwise.lo_), std::max(if_positive.hi_, otherwise.hi_)};
  }
  friend Interval Max(const Interval& a, const Interval& b) {
    return {std::max(a.lo_, b.lo_), std::max(a.hi_, b.hi_)};
  }
  friend Interval Min(const Interval& a, const Interval& b) {
    return {std::min(a.lo_, b.lo_), std::min(a.hi_, b.hi_)};
  }
  friend Interval Absolute(const Interval& x) {
    if (x.lo_ >= 0) return x;
    if (x.hi_ <= 0) return -x;
    return {0, std::max(-x.lo_, x.hi_)};
  }
  friend Interval Square(const Interval& x) {
    const Interval magnitude = Absolute(x);
    return Outward(magnitude.lo_ * magnitude.lo_, magnitude.hi_ * magnitude.hi_);
  }

 private:
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  static Interval Outward(double lo, double hi) {
    constexpr double kSlack = 2 * std::numeric_limits<double>::epsilon();
    // 0 stays exactly 0: sums and products that are 0 are exact, but for underflow.
    return {lo - kSlack * std::abs(lo), hi + kSlack * std::abs(hi)};
  }

  static Interval OutwardHull(double a, double b, double c, double d) {
    // std::min and std::max would lose a NaN.
    if (std::isnan(a) || std::isnan(b) || std::isnan(c) || std::isnan(d)) {
      return {-kInfinity, kInfinity};
    }
    return Outward(std::min({a, b, c, d}), std::max({a, b, c, d}));
  }

  double lo_ = 0;
  double hi_ = 0;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TENSOR_INTERVAL_H_
