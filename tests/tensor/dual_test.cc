#include "server/tensor/dual.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

#include "server/tensor/scalar.h"

namespace gradus {
namespace {

Dual Moving(double value) { return Dual(value, 1); }

// Derivatives known from calculus.
TEST(DualTest, DifferentiatesEveryFunction) {
  const double x = 0.7;
  const struct {
    const char* name;
    Dual result;
    double value;
    double derivative;
  } kCases[] = {
      {"x + 3", Moving(x) + Dual(3), 3.7, 1},
      {"3 - x", Dual(3) - Moving(x), 2.3, -1},
      {"-x", -Moving(x), -0.7, -1},
      {"x x", Moving(x) * Moving(x), 0.49, 1.4},
      {"3 / x", Dual(3) / Moving(x), 3 / 0.7, -3 / 0.49},
      {"x / (1 + x)", Moving(x) / (Dual(1) + Moving(x)), 0.7 / 1.7, 1 / (1.7 * 1.7)},
      {"exp", exp(Moving(x)), std::exp(x), std::exp(x)},
      {"expm1", expm1(Moving(x)), std::expm1(x), std::exp(x)},
      {"log", log(Moving(x)), std::log(x), 1 / x},
      {"log1p", log1p(Moving(x)), std::log1p(x), 1 / (1 + x)},
      {"sqrt", sqrt(Moving(x)), std::sqrt(x), 0.5 / std::sqrt(x)},
      {"tanh", tanh(Moving(x)), std::tanh(x), 1 / (std::cosh(x) * std::cosh(x))},
      {"erfc", erfc(Moving(x)), std::erfc(x), -2 / std::sqrt(M_PI) * std::exp(-x * x)},
      {"x^2.5", Power(Moving(x), 2.5), std::pow(x, 2.5), 2.5 * std::pow(x, 1.5)},
      {"|x|", Absolute(Moving(-x)), x, -1},
      {"max", Max(Moving(x), Dual(0.5)), x, 1},
      {"min", Min(Moving(x), Dual(0.5)), 0.5, 0},
  };
  for (const auto& c : kCases) {
    EXPECT_NEAR(c.result.value(), c.value, 1e-15 * std::abs(c.value)) << c.name;
    EXPECT_NEAR(c.result.derivative(), c.derivative, 1e-14 * std::abs(c.derivative)) << c.name;
    EXPECT_FALSE(c.result.at_kink()) << c.name;
  }
}

// The branch of relu for |x|'s sake: two inputs that trade places take other branches.
TEST(DualTest, KnowsWhichWayTheComputationWent) {
  const auto relu = [](double x) { return SelectPositive(Moving(x), Moving(x), Dual(0)); };
  EXPECT_EQ(relu(1).branches(), relu(2).branches());
  EXPECT_NE(relu(1).branches(), relu(-1).branches());
  EXPECT_EQ((relu(1) + relu(-1)).branches(), (relu(3) + relu(-3)).branches());
  EXPECT_NE((relu(1) + relu(-1)).branches(), (relu(-1) + relu(1)).branches());
  // What is smooth has none.
  EXPECT_EQ((exp(Moving(1)) * tanh(Moving(-2))).branches(), 0U);
  // The way into a branch counts, not only the one that came out.
  const auto nested = [&](double x, double y) {
    return SelectPositive(relu(x), Moving(y), Moving(y));
  };
  EXPECT_NE(nested(1, 1).branches(), nested(-1, 1).branches());
}

TEST(DualTest, SeesKinksWhereTheArgumentMoves) {
  EXPECT_TRUE(SelectPositive(Moving(0), Moving(0), Dual(0)).at_kink());
  EXPECT_TRUE(Max(Moving(1), Dual(1)).at_kink());
  EXPECT_TRUE(Absolute(Moving(0)).at_kink());
  // It stays on what is computed from it.
  EXPECT_TRUE((exp(Absolute(Moving(0))) + Dual(1)).at_kink());
  // A constant does not move off its kink.
  EXPECT_FALSE(SelectPositive(Dual(0), Moving(0), Dual(0)).at_kink());
  EXPECT_FALSE(Absolute(Dual(0)).at_kink());
  // Both sides are the same, so it does not matter.
  EXPECT_FALSE(SelectPositive(Moving(0), Moving(2), Moving(2)).at_kink());
}

// What the ops document for relu at 0 and |x| at 0.
TEST(DualTest, TakesTheDocumentedSubgradient) {
  EXPECT_EQ(SelectPositive(Moving(0), Moving(0), Dual(0)).derivative(), 0);
  EXPECT_EQ(Max(Dual(0), Moving(0)).derivative(), 0);
  EXPECT_EQ(Absolute(Moving(0)).derivative(), 0);
  EXPECT_EQ(Max(Moving(3), Dual(3)).derivative(), 1);
  EXPECT_EQ(Min(Moving(3), Dual(3)).derivative(), 1);
}

TEST(DualTest, WhatDoesNotMoveHasNoInfluence) {
  EXPECT_EQ(sqrt(Dual(0)).derivative(), 0);
  EXPECT_EQ((Dual(0) * log(Dual(0))).derivative(), 0);
  EXPECT_TRUE(std::isinf(sqrt(Moving(0)).derivative()));
}

TEST(ScalarTest, SelectionsHandOnNaN) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(SelectPositive(nan, nan, 0.0)));
  EXPECT_TRUE(std::isnan(Max(nan, 0.0)));
  EXPECT_TRUE(std::isnan(Max(0.0, nan)));
  EXPECT_TRUE(std::isnan(Min(nan, 0.0)));
  EXPECT_TRUE(std::isnan(Min(0.0, nan)));
  EXPECT_TRUE(std::isnan(Max(Dual(nan), Dual(0)).value()));
  EXPECT_TRUE(std::isnan(Max(Dual(0), Dual(nan)).value()));
}

}  // namespace
}  // namespace gradus
