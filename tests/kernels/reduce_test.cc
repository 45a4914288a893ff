#include "server/kernels/reduce.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

using Positions = std::vector<int64_t>;

std::vector<Positions> LanesOf(const Shape& shape, int axis) {
  std::vector<Positions> lanes;
  ForEachLane(shape, axis, [&](const Lane& lane) {
    Positions& positions = lanes.emplace_back();
    for (int64_t i = 0; i < lane.length; ++i) positions.push_back(lane[i]);
  });
  return lanes;
}

TEST(ForEachLaneTest, WalksEachAxis) {
  EXPECT_THAT(LanesOf({3}, 0), ElementsAre(Positions{0, 1, 2}));
  EXPECT_THAT(LanesOf({2, 3}, 0), ElementsAre(Positions{0, 3}, Positions{1, 4}, Positions{2, 5}));
  EXPECT_THAT(LanesOf({2, 3}, 1), ElementsAre(Positions{0, 1, 2}, Positions{3, 4, 5}));
  EXPECT_THAT(LanesOf({2, 2, 2}, 0),
              ElementsAre(Positions{0, 4}, Positions{1, 5}, Positions{2, 6}, Positions{3, 7}));
  EXPECT_THAT(LanesOf({2, 2, 2}, 1),
              ElementsAre(Positions{0, 2}, Positions{1, 3}, Positions{4, 6}, Positions{5, 7}));
  EXPECT_THAT(LanesOf({2, 2, 2}, 2),
              ElementsAre(Positions{0, 1}, Positions{2, 3}, Positions{4, 5}, Positions{6, 7}));
}

TEST(ForEachLaneTest, AxesOfLengthOne) {
  EXPECT_THAT(LanesOf({1, 2}, 0), ElementsAre(Positions{0}, Positions{1}));
  EXPECT_THAT(LanesOf({2, 1}, 0), ElementsAre(Positions{0, 1}));
}

TEST(LaneSumTest, ReadsOnlyItsLane) {
  const double numbers[] = {1, 2, 3, 4, 5, 6};
  const auto at = [&](int64_t i) { return numbers[i]; };
  EXPECT_EQ(LaneSum<double>(Lane{1, 3, 2}, at), 7);
  EXPECT_EQ(LaneSum<double>(Lane{2, 1, 1}, at), 3);
}

// 1e16 + 1 is 1e16 again: another order would give 1.
TEST(LaneSumTest, AddsFromTheFirstToTheLast) {
  const double numbers[] = {1, 1e16, -1e16};
  EXPECT_EQ(LaneSum<double>(Lane{0, 1, 3}, [&](int64_t i) { return numbers[i]; }), 0);
}

}  // namespace
}  // namespace gradus
