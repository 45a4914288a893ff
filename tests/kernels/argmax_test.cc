#include "server/kernels/argmax.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Numbers = std::vector<double>;

Numbers WeightsOf(const Numbers& values) {
  Numbers weights = {7};  // is overwritten
  LargestWeights<double>(values, weights);
  return weights;
}

TEST(LargestTest, OfNumbers) {
  EXPECT_EQ(Largest<double>(Numbers{-3}), -3);
  EXPECT_EQ(Largest<double>(Numbers{-3, 2, -7, 1}), 2);
  EXPECT_TRUE(std::isnan(Largest<double>(Numbers{1, kNan, 2})));
}

TEST(LargestWeightsTest, TheLargestTakesAll) {
  EXPECT_THAT(WeightsOf({5}), ElementsAre(1));
  EXPECT_THAT(WeightsOf({3, 1, 2}), ElementsAre(1, 0, 0));
  EXPECT_THAT(WeightsOf({1, 3, 2}), ElementsAre(0, 1, 0));
  EXPECT_THAT(WeightsOf({1, 2, 3}), ElementsAre(0, 0, 1));
}

TEST(LargestWeightsTest, AtATieTheFirst) {
  EXPECT_THAT(WeightsOf({1, 2, 2, 2}), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(WeightsOf({0.0, -0.0}), ElementsAre(1, 0));
  EXPECT_THAT(WeightsOf({kInfinity, kInfinity}), ElementsAre(1, 0));
  EXPECT_THAT(WeightsOf({-kInfinity, -kInfinity}), ElementsAre(1, 0));
}

TEST(LargestWeightsTest, TheFirstNanTakesAll) {
  EXPECT_THAT(WeightsOf({1, kNan, 2, kNan}), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(WeightsOf({kNan, 1}), ElementsAre(1, 0));
}

TEST(LargestWeightsTest, EqualTheDerivativesOfLargest) {
  for (const Numbers& values : {Numbers{1, 2, 2}, Numbers{3, 3, 1}, Numbers{1, 2, 5}}) {
    Numbers derivatives;
    for (size_t i = 0; i < values.size(); ++i) {
      std::vector<Dual> duals;
      for (size_t j = 0; j < values.size(); ++j) duals.emplace_back(values[j], i == j ? 1 : 0);
      derivatives.push_back(Largest<Dual>(duals).derivative());
    }
    EXPECT_EQ(WeightsOf(values), derivatives);
  }
}

// The bounds are exact: a weight of 1 is not widened.
TEST(LargestWeightsTest, OfIntervalsAreWhatMayBe) {
  using Bounds = std::vector<std::pair<double, double>>;
  const auto bounds_of = [](const std::vector<Interval>& values) {
    std::vector<Interval> weights;
    LargestWeights<Interval>(values, weights);
    Bounds bounds;
    for (const Interval& weight : weights) bounds.emplace_back(weight.lo(), weight.hi());
    return bounds;
  };
  EXPECT_EQ(bounds_of({{0, 2}, {1, 3}, {-1, 0.5}}), (Bounds{{0, 1}, {0, 1}, {0, 0}}));
  EXPECT_EQ(bounds_of({{0, 2}, {5, 6}, {1, 2}}), (Bounds{{0, 0}, {1, 1}, {0, 0}}));
  EXPECT_EQ(bounds_of({{0, 2}, {1, 3}, {4, 5}}), (Bounds{{0, 0}, {0, 0}, {1, 1}}));
  // A tie of points is where the choice is free.
  EXPECT_EQ(bounds_of({{1, 1}, {2, 2}, {2, 2}}), (Bounds{{0, 0}, {0, 1}, {0, 1}}));
}

}  // namespace
}  // namespace gradus
