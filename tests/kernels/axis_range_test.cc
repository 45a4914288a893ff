#include "server/kernels/axis_range.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

// Positions in the whole; those in the part must be 0, 1, 2 ...
std::vector<int64_t> Part(const Shape& whole, const AxisRange& range) {
  std::vector<int64_t> positions;
  ForEachInRange(whole, range, [&](int64_t at_whole, int64_t at_part) {
    EXPECT_EQ(at_part, static_cast<int64_t>(positions.size()));
    positions.push_back(at_whole);
  });
  return positions;
}

TEST(ForEachInRangeTest, AlongEachAxis) {
  EXPECT_THAT(Part({3, 2}, {.axis = 0, .start = 1, .count = 2}), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(Part({2, 3}, {.axis = 1, .start = 1, .count = 2}), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(Part({2, 2, 2}, {.axis = 1, .start = 1, .count = 1}), ElementsAre(2, 3, 6, 7));
}

TEST(ForEachInRangeTest, InSteps) {
  EXPECT_THAT(Part({5}, {.axis = 0, .start = 1, .count = 2, .step = 3}), ElementsAre(1, 4));
  EXPECT_THAT(Part({2, 3, 2}, {.axis = 1, .start = 0, .count = 2, .step = 2}),
              ElementsAre(0, 1, 4, 5, 6, 7, 10, 11));
}

}  // namespace
}  // namespace gradus
