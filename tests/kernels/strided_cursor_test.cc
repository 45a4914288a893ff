#include "server/kernels/strided_cursor.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> Walk(const Shape& shape, const Strides& strides, int64_t steps) {
  StridedCursor cursor(shape, strides);
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < steps; ++i) {
    positions.push_back(cursor.position());
    cursor.Next();
  }
  return positions;
}

TEST(StridedCursorTest, RowMajorStridesGoOneByOne) {
  const Shape shape = {2, 1, 3};
  EXPECT_THAT(Walk(shape, RowMajorStrides(shape), 6), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(StridedCursorTest, FollowsTheStrides) {
  EXPECT_THAT(Walk({3, 2}, {1, 3}, 6), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(Walk({2, 2}, {0, 5}, 4), ElementsAre(0, 5, 0, 5));
}

TEST(StridedCursorTest, AfterTheLastComesTheFirst) {
  EXPECT_THAT(Walk({2, 2}, {2, 1}, 6), ElementsAre(0, 1, 2, 3, 0, 1));
  EXPECT_THAT(Walk({}, {}, 3), ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace gradus
