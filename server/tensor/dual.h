#ifndef GRADUS_SERVER_TENSOR_DUAL_H_
#define GRADUS_SERVER_TENSOR_DUAL_H_

#include <cmath>
#include <cstdint>

namespace gradus {

// A number with its derivative in one direction: forward-mode differentiation of whatever code it
// is computed by, without a difference step. From a + b e with e^2 = 0.
//
// It also remembers which way the computation went. Two runs of the same code with equal `branches`
// took the same branch at every kink (up to a chance of about 2^-60), so the function that they
// followed was smooth between them. `at_kink`: some branch was decided exactly at its kink, with an
// argument that moves, so that the derivative is a choice and not the only one.
//
// A derivative of exactly 0 stays 0, also through a function whose slope is infinite: what does not
// move has no influence.
class Dual {
 public:
  Dual() = default;
  // A constant.
  explicit constexpr Dual(double value) : value_(value) {}
  // A number that moves.
  constexpr Dual(double value, double derivative) : value_(value), derivative_(derivative) {}
  // A number that code which knows what it does has computed. `branches` combines those of all that
  // it was computed from.
  constexpr Dual(double value, double derivative, uint64_t branches, bool at_kink)
      : value_(value), derivative_(derivative), branches_(branches), at_kink_(at_kink) {}

  double value() const { return value_; }
  double derivative() const { return derivative_; }
  uint64_t branches() const { return branches_; }
  bool at_kink() const { return at_kink_; }

  // The branches of a number that is computed from two. Depends on the order, so that two numbers
  // that swap their branches are seen.
  static uint64_t CombineBranches(uint64_t a, uint64_t b) {
    if ((a | b) == 0) return 0;
    constexpr uint64_t kOdd = 0xff51afd7ed558ccd;
    const uint64_t mixed = (a ^ (b << 23 | b >> 41)) * kOdd;
    return mixed ^ (mixed >> 32);
  }

  friend Dual operator-(const Dual& x) { return Of(x, -x.value_, -1); }
  friend Dual operator+(const Dual& a, const Dual& b) {
    return Of(a, b, a.value_ + b.value_, a.derivative_ + b.derivative_);
  }
  friend Dual operator-(const Dual& a, const Dual& b) {
    return Of(a, b, a.value_ - b.value_, a.derivative_ - b.derivative_);
  }
  friend Dual operator*(const Dual& a, const Dual& b) {
    return Of(a, b, a.value_ * b.value_,
              Chain(a.derivative_, b.value_) + Chain(b.derivative_, a.value_));
  }
  friend Dual operator/(const Dual& a, const Dual& b) {
    const double quotient = a.value_ / b.value_;
    return Of(a, b, quotient,
              Chain(a.derivative_, 1 / b.value_) - Chain(b.derivative_, quotient / b.value_));
  }
  Dual& operator+=(const Dual& x) { return *this = *this + x; }
  Dual& operator-=(const Dual& x) { return *this = *this - x; }
  Dual& operator*=(const Dual& x) { return *this = *this * x; }
  Dual& operator/=(const Dual& x) { return *this = *this / x; }

  friend Dual exp(const Dual& x) {
    const double value = std::exp(x.value_);
    return Of(x, value, value);
  }
  friend Dual expm1(const Dual& x) { return Of(x, std::expm1(x.value_), std::exp(x.value_)); }
  friend Dual log(const Dual& x) { return Of(x, std::log(x.value_), 1 / x.value_); }
  friend Dual log1p(const Dual& x) { return Of(x, std::log1p(x.value_), 1 / (1 + x.value_)); }
  friend Dual sqrt(const Dual& x) {
    const double value = std::sqrt(x.value_);
    return Of(x, value, 0.5 / value);
  }
  friend Dual tanh(const Dual& x) {
    const double value = std::tanh(x.value_);
    return Of(x, value, (1 - value) * (1 + value));
  }
  friend Dual erfc(const Dual& x) {
    constexpr double kTwoOverRootPi = 1.1283791670955126;
    return Of(x, std::erfc(x.value_), -kTwoOverRootPi * std::exp(-x.value_ * x.value_));
  }
  friend Dual Power(const Dual& x, double exponent) {
    return Of(x, std::pow(x.value_, exponent), exponent * std::pow(x.value_, exponent - 1));
  }

  friend double PlainValue(const Dual& x) { return x.value_; }

  friend Dual SelectPositive(const Dual& x, const Dual& if_positive, const Dual& otherwise) {
    return Branch(x, !(x.value_ <= 0), if_positive, otherwise);
  }
  friend Dual Max(const Dual& a, const Dual& b) {
    return Branch(b - a, !(b.value_ <= a.value_ || std::isnan(a.value_)), b, a);
  }
  friend Dual Min(const Dual& a, const Dual& b) {
    return Branch(a - b, !(b.value_ >= a.value_ || std::isnan(a.value_)), b, a);
  }
  friend Dual Absolute(const Dual& x) {
    return SelectPositive(x, x, SelectPositive(-x, -x, Dual(0)));
  }

 private:
  static double Chain(double derivative, double slope) {
    return derivative == 0 ? 0 : derivative * slope;
  }

  // A function of one number, with its slope.
  static Dual Of(const Dual& x, double value, double slope) {
    Dual result(value, Chain(x.derivative_, slope));
    result.branches_ = x.branches_;
    result.at_kink_ = x.at_kink_;
    return result;
  }

  // A function of two numbers, with its derivative.
  static Dual Of(const Dual& a, const Dual& b, double value, double derivative) {
    Dual result(value, derivative);
    result.branches_ = CombineBranches(a.branches_, b.branches_);
    result.at_kink_ = a.at_kink_ || b.at_kink_;
    return result;
  }

  // The chosen one, and that it was chosen by the sign of `x`.
  static Dual Branch(const Dual& x, bool is_first, const Dual& first, const Dual& second) {
    constexpr uint64_t kFirst = 0x9e3779b97f4a7c15;
    constexpr uint64_t kSecond = 0xc2b2ae3d27d4eb4f;
    Dual result = is_first ? first : second;
    result.branches_ = CombineBranches(CombineBranches(x.branches_, is_first ? kFirst : kSecond),
                                       result.branches_);
    // A choice between equals is none.
    const bool matters = first.value_ != second.value_ || first.derivative_ != second.derivative_;
    result.at_kink_ |= x.at_kink_ || (x.value_ == 0 && x.derivative_ != 0 && matters);
    return result;
  }

  double value_ = 0;
  double derivative_ = 0;
  uint64_t branches_ = 0;
  bool at_kink_ = false;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TENSOR_DUAL_H_
