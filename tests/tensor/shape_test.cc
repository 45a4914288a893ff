#include "server/tensor/shape.h"

#include <limits>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ShapeTest, OfAScalar) {
  const Shape scalar;
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_EQ(scalar.element_count(), 1);
  EXPECT_EQ(scalar.ToString(), "[]");
  EXPECT_THAT(scalar.lengths(), IsEmpty());
  EXPECT_EQ(scalar, Shape{});
}

TEST(ShapeTest, KnowsItsLengths) {
  const Shape shape = {2, 3, 4};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape.element_count(), 24);
  EXPECT_EQ(shape.back(), 4);
  EXPECT_EQ(shape[0], 2);
  EXPECT_THAT(shape.lengths(), ElementsAre(2, 3, 4));
  EXPECT_EQ(shape.ToString(), "[2, 3, 4]");
  EXPECT_EQ(shape, Shape(std::span<const int64_t>(std::vector<int64_t>{2, 3, 4})));
}

TEST(ShapeTest, ComparesRankAndLengths) {
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
  EXPECT_NE((Shape{2}), (Shape{2, 1}));
  EXPECT_NE((Shape{1}), Shape{});
}

TEST(ShapeTest, GrowsAndIsCut) {
  Shape shape = {2, 3};
  shape.Append(4);
  EXPECT_EQ(shape, (Shape{2, 3, 4}));
  shape[1] = 7;
  EXPECT_EQ(shape, (Shape{2, 7, 4}));
  EXPECT_EQ(shape.Slice(0, 3), shape);
  EXPECT_EQ(shape.Slice(1, 3), (Shape{7, 4}));
  EXPECT_EQ(shape.Slice(0, 1), Shape{2});
  EXPECT_EQ(shape.Slice(1, 1), Shape{});
}

TEST(ShapeTest, HoldsTheLargestRank) {
  Shape shape = {1, 2, 3, 4, 5, 6, 7};
  shape.Append(8);
  EXPECT_EQ(shape.rank(), Shape::kMaxRank);
  EXPECT_EQ(shape.element_count(), 40320);
  EXPECT_EQ(shape.ToString(), "[1, 2, 3, 4, 5, 6, 7, 8]");
}

TEST(CheckedElementCountTest, NeverOverflows) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kTwoTo31 = int64_t{1} << 31;
  constexpr int64_t kTwoTo32 = int64_t{1} << 32;
  constexpr int64_t kTwoTo62 = int64_t{1} << 62;
  const struct {
    std::vector<int64_t> lengths;
    int64_t limit;
    std::optional<int64_t> count;
  } kCases[] = {
      {{}, 1, 1},
      {{1, 1, 1, 1, 1, 1, 1, 1}, 1, 1},
      // Up to the limit, and one beyond.
      {{2, 3}, 6, 6},
      {{2, 3}, 5, std::nullopt},
      {{7}, 7, 7},
      {{8}, 7, std::nullopt},
      {{3, 3}, 8, std::nullopt},
      {{1, 1000, 1}, 1000, 1000},
      {{1, 1001, 1}, 1000, std::nullopt},
      // Products that a 64-bit number holds, and some that it does not: 2^93 and 2^248, and those
      // that wrap to 0, to something small, and to something negative.
      {{kTwoTo31, kTwoTo31}, kMax, kTwoTo62},
      {{kTwoTo31, kTwoTo31, kTwoTo31}, kMax, std::nullopt},
      {{kTwoTo31, kTwoTo31, kTwoTo31, kTwoTo31, kTwoTo31, kTwoTo31, kTwoTo31, kTwoTo31},
       kMax,
       std::nullopt},
      {{kTwoTo32, kTwoTo32}, kMax, std::nullopt},
      {{kTwoTo62, 4}, kMax, std::nullopt},
      {{kTwoTo62, 2}, kMax, std::nullopt},
      {{kTwoTo62 + 1, 4}, kMax, std::nullopt},
      {{kTwoTo62}, kMax, kTwoTo62},
      {{kTwoTo62, 1}, kTwoTo62, kTwoTo62},
      {{kTwoTo62}, kTwoTo62 - 1, std::nullopt},
      {{kMax}, kMax, kMax},
      {{kMax}, kMax - 1, std::nullopt},
      {{kMax, kMax}, kMax, std::nullopt},
      {{kMax, 1, kMax}, 1000, std::nullopt},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(CheckedElementCount(c.lengths, c.limit), c.count)
        << ::testing::PrintToString(c.lengths) << " with limit " << c.limit;
  }
}

}  // namespace
}  // namespace gradus
