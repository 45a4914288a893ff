// The oracle, on functions whose derivatives are known, and on gradients that are known to be
// wrong.
#include "tests/support/numeric_gradient.h"

#include <cmath>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gradus {
namespace {

using testing::Agree;
using testing::Estimate;
using testing::NumericGradient;

constexpr Tolerance kTolerance = {1e-9, 1e-10};

Tensor<double> Vector(std::vector<double> values) {
  const Shape shape = {static_cast<int64_t>(values.size())};
  return {shape, std::move(values)};
}

Tensor<double> Exp(const Tensor<double>& x) {
  Tensor<double> y(x.shape());
  for (int64_t i = 0; i < x.size(); ++i) y[i] = std::exp(x[i]);
  return y;
}

TEST(NumericGradientTest, MatchesAKnownDerivativeWithinItsOwnError) {
  const std::vector<Estimate> gradient =
      NumericGradient(Exp, Vector({-2, 0.3, 1}), Vector({1, -2, 0.5}));
  const double expected[] = {std::exp(-2.0), -2 * std::exp(0.3), 0.5 * std::exp(1.0)};
  ASSERT_EQ(gradient.size(), 3);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_LE(std::abs(gradient[i].value - expected[i]), gradient[i].error);
    EXPECT_LT(gradient[i].error, 1e-10 * std::abs(expected[i]));
  }
}

TEST(NumericGradientTest, IsExactlyZeroWhereNothingIsReached) {
  const auto first_only = [](const Tensor<double>& x) { return Vector({std::exp(x[0]), 1 / 3.0}); };
  const std::vector<Estimate> gradient =
      NumericGradient(first_only, Vector({1, 2}), Vector({3, 4}));
  EXPECT_EQ(gradient[1].value, 0);
  EXPECT_EQ(gradient[1].error, 0);
}

TEST(AgreeTest, AcceptsTheRightGradient) {
  const auto numeric = NumericGradient(Exp, Vector({-2, 1}), Vector({1, 1}));
  EXPECT_TRUE(Agree(Vector({std::exp(-2.0), std::exp(1.0)}), numeric, kTolerance));
}

TEST(AgreeTest, RejectsWrongGradients) {
  const auto numeric = NumericGradient(Exp, Vector({-2, 1}), Vector({1, 1}));
  const double a = std::exp(-2.0);
  const double b = std::exp(1.0);
  EXPECT_FALSE(Agree(Vector({b, a}), numeric, kTolerance)) << "swapped";
  EXPECT_FALSE(Agree(Vector({-a, b}), numeric, kTolerance)) << "wrong sign";
  EXPECT_FALSE(Agree(Vector({a * (1 + 1e-8), b}), numeric, kTolerance)) << "wrong in digit 9";
  EXPECT_FALSE(Agree(Vector({a, 0}), numeric, kTolerance)) << "missing";
  EXPECT_FALSE(Agree(Vector({a, std::nan("")}), numeric, kTolerance)) << "no number";
  EXPECT_FALSE(Agree(Vector({a}), numeric, kTolerance)) << "too short";
}

// A floor in absolute units would let these pass.
TEST(AgreeTest, HoldsSmallGradientsToTheSameDigits) {
  const auto numeric = NumericGradient(Exp, Vector({-2, 1}), Vector({1e-15, 1e-15}));
  EXPECT_TRUE(Agree(Vector({1e-15 * std::exp(-2.0), 1e-15 * std::exp(1.0)}), numeric, kTolerance));
  EXPECT_FALSE(Agree(Vector({1e-15, 1e-15 * std::exp(1.0)}), numeric, kTolerance));
  EXPECT_FALSE(Agree(Vector({0, 0}), numeric, kTolerance));
}

TEST(AgreeTest, TrustsNoEstimateNearAKink) {
  const auto absolute = [](const Tensor<double>& x) { return Vector({std::abs(x[0])}); };
  const auto numeric = NumericGradient(absolute, Vector({0.0001}), Vector({1}));
  EXPECT_GT(numeric[0].error, 0.01);
  const auto result = Agree(Vector({numeric[0].value}), numeric, kTolerance);
  EXPECT_FALSE(result);
  EXPECT_NE(std::string(result.message()).find("do not settle"), std::string::npos);
}

}  // namespace
}  // namespace gradus
