#include "server/tensor/interval.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

#include "server/tensor/scalar.h"
#include "tests/support/random.h"

namespace gradus {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

::testing::AssertionResult IsEverything(const Interval& x) {
  if (x.lo() == -kInfinity && x.hi() == kInfinity) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "[" << x.lo() << ", " << x.hi() << "]";
}

// Every result for numbers within the operands lies within the result; long double knows better
// than double where it lies.
TEST(IntervalTest, ContainsEveryResult) {
  testing::Random random(1);
  for (int round = 0; round < 20000; ++round) {
    const double center_a = random.UniformMagnitude(1e-3, 4);
    const double center_b = random.UniformMagnitude(1e-3, 4);
    const double radius = round % 3 == 0 ? 0 : random.Uniform(0, 1);
    const Interval a(center_a - radius, center_a + radius);
    const Interval b(center_b - radius, center_b + radius);
    const double x = radius == 0 ? center_a : random.Uniform(a.lo(), a.hi());
    const double y = radius == 0 ? center_b : random.Uniform(b.lo(), b.hi());
    const auto contains = [](const Interval& interval, long double value) {
      return static_cast<long double>(interval.lo()) <= value &&
             value <= static_cast<long double>(interval.hi());
    };
    const auto lx = static_cast<long double>(x);
    const auto ly = static_cast<long double>(y);
    EXPECT_TRUE(contains(a + b, lx + ly));
    EXPECT_TRUE(contains(a - b, lx - ly));
    EXPECT_TRUE(contains(a * b, lx * ly));
    EXPECT_TRUE(contains(a / b, lx / ly));
    EXPECT_TRUE(contains(-a, -lx));
    EXPECT_TRUE(contains(Square(a), lx * lx));
    EXPECT_TRUE(contains(Absolute(a), std::abs(lx)));
    EXPECT_TRUE(contains(Max(a, b), std::max(lx, ly)));
    EXPECT_TRUE(contains(Min(a, b), std::min(lx, ly)));
    EXPECT_TRUE(contains(SelectPositive(a, a, b), x > 0 ? lx : ly));
    EXPECT_TRUE(contains(Power(a, 3), lx * lx * lx));
    EXPECT_TRUE(contains(Power(a, 2), lx * lx));
    EXPECT_TRUE(contains(exp(a), std::exp(lx)));
    EXPECT_TRUE(contains(expm1(a), std::expm1(lx)));
    EXPECT_TRUE(contains(tanh(a), std::tanh(lx)));
    EXPECT_TRUE(contains(erfc(a), std::erfc(lx)));
    if (a.lo() > 0) {
      EXPECT_TRUE(contains(log(a), std::log(lx)));
      EXPECT_TRUE(contains(sqrt(a), std::sqrt(lx)));
      EXPECT_TRUE(contains(log1p(a), std::log1p(lx)));
      EXPECT_TRUE(contains(Power(a, -1.5), std::pow(lx, -1.5L)));
    }
  }
}

TEST(IntervalTest, APointStaysNarrow) {
  const Interval x(0.7);
  for (const Interval& result :
       {x + x, x * x, x / (x + Interval(1)), exp(x), log(x), tanh(x), sqrt(x)}) {
    EXPECT_LT(result.hi() - result.lo(), 1e-14);
  }
  EXPECT_EQ((x - x).Contains(0), true);
  // Exact zeros stay exact: what is multiplied by one has no width.
  EXPECT_EQ((Interval(0) * Interval(-1, 3)).lo(), 0);
  EXPECT_EQ((Interval(0) * Interval(-1, 3)).hi(), 0);
}

TEST(IntervalTest, UndecidedBranchesGiveTheHullOfBoth) {
  const Interval hull = SelectPositive(Interval(-1, 1), Interval(5), Interval(2));
  EXPECT_EQ(hull.lo(), 2);
  EXPECT_EQ(hull.hi(), 5);
  // Exactly on the kink too: every slope between is right.
  EXPECT_EQ(SelectPositive(Interval(0), Interval(1), Interval(0)).hi(), 1);
  EXPECT_EQ(SelectPositive(Interval(0), Interval(1), Interval(0)).lo(), 0);
  EXPECT_EQ(SelectPositive(Interval(0.1, 1), Interval(5), Interval(2)).lo(), 5);
  EXPECT_EQ(SelectPositive(Interval(-1, -0.1), Interval(5), Interval(2)).hi(), 2);
}

TEST(IntervalTest, IsNarrowerThanTheProductWhereItCanBe) {
  EXPECT_EQ(Square(Interval(-2, 1)).lo(), 0);
  EXPECT_LT((Interval(-2, 1) * Interval(-2, 1)).lo(), 0);
  EXPECT_EQ(Absolute(Interval(-2, 1)).lo(), 0);
  EXPECT_EQ(Absolute(Interval(-2, 1)).hi(), 2);
}

TEST(IntervalTest, WhatIsUndefinedIsEverything) {
  EXPECT_TRUE(IsEverything(Interval(1) / Interval(-1, 1)));
  EXPECT_TRUE(IsEverything(Interval(1) / Interval(0)));
  EXPECT_TRUE(IsEverything(log(Interval(-1, 1))));
  EXPECT_TRUE(IsEverything(sqrt(Interval(-2, -1))));
  EXPECT_TRUE(IsEverything(Interval(0) * Interval(-kInfinity, kInfinity)));
  EXPECT_TRUE(IsEverything(Power(Interval(-1, 1), 0.5)));
  EXPECT_TRUE(IsEverything(Power(Interval(-1, 1), -1)));
  EXPECT_TRUE(IsEverything(Interval(std::nan(""))));
}

}  // namespace
}  // namespace gradus
