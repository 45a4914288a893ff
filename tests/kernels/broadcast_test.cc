#include "server/kernels/broadcast.h"

#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/random.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

TEST(BroadcastShapeTest, FollowsNumPy) {
  const struct {
    Shape a;
    Shape b;
    std::optional<Shape> common;
  } kCases[] = {
      {{}, {}, Shape{}},
      {{2, 3}, {2, 3}, Shape{2, 3}},
      {{2, 3}, {}, Shape{2, 3}},
      {{2, 3}, {3}, Shape{2, 3}},
      {{2, 3}, {1}, Shape{2, 3}},
      {{2, 1}, {1, 3}, Shape{2, 3}},
      {{2, 1}, {3}, Shape{2, 3}},
      {{1, 1, 1}, {5}, Shape{1, 1, 5}},
      {{4, 1, 3}, {2, 1}, Shape{4, 2, 3}},
      {{1}, {}, Shape{1}},
      {{1, 2, 3, 4, 5, 6, 7, 8}, {8}, Shape{1, 2, 3, 4, 5, 6, 7, 8}},
      {{2, 3}, {2}, std::nullopt},
      {{2, 3}, {4, 3}, std::nullopt},
      {{3, 2}, {2, 3}, std::nullopt},
      {{2}, {3}, std::nullopt},
      {{1, 2}, {3, 1, 3}, std::nullopt},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(BroadcastShape(c.a, c.b), c.common) << c.a.ToString() << " " << c.b.ToString();
    EXPECT_EQ(BroadcastShape(c.b, c.a), c.common) << c.b.ToString() << " " << c.a.ToString();
  }
}

std::vector<int64_t> Positions(const Shape& operand, const Shape& shape) {
  std::vector<int64_t> positions;
  BroadcastCursor cursor(operand, shape);
  for (int64_t i = 0; i < shape.element_count(); ++i) {
    positions.push_back(cursor.position());
    cursor.Next();
  }
  return positions;
}

TEST(BroadcastCursorTest, VisitsWhatEachElementReads) {
  EXPECT_THAT(Positions({}, {}), ElementsAre(0));
  EXPECT_THAT(Positions({2, 3}, {2, 3}), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(Positions({3}, {2, 3}), ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(Positions({2, 1}, {2, 3}), ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(Positions({}, {2, 2}), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(Positions({2, 1, 2}, {2, 2, 2}), ElementsAre(0, 1, 0, 1, 2, 3, 2, 3));
  EXPECT_THAT(Positions({2, 1}, {2, 2, 2}), ElementsAre(0, 0, 1, 1, 0, 0, 1, 1));
}

// It walks rows, the cursors walk elements.
TEST(BroadcastForEachTest, VisitsWhatTheCursorsVisit) {
  const Shape shape = {2, 3, 4};
  const Shape operands[] = {{}, {1}, {4}, {3, 1}, {2, 1, 4}, {2, 1, 1}, {1, 3, 4}, shape};
  for (const Shape& a : operands) {
    for (const Shape& b : operands) {
      std::vector<int64_t> of_out;
      std::vector<int64_t> of_a;
      std::vector<int64_t> of_b;
      BroadcastForEach(a, b, shape, [&](int64_t i, int64_t j, int64_t k) {
        of_out.push_back(i);
        of_a.push_back(j);
        of_b.push_back(k);
      });
      EXPECT_EQ(of_out, Positions(shape, shape)) << a.ToString() << " " << b.ToString();
      EXPECT_EQ(of_a, Positions(a, shape)) << a.ToString() << " " << b.ToString();
      EXPECT_EQ(of_b, Positions(b, shape)) << a.ToString() << " " << b.ToString();
    }
  }
}

TEST(BroadcastCopyTest, RepeatsAlongAxes) {
  Tensor<double> out(Shape{2, 3});
  BroadcastCopy(Tensor<double>(Shape{2, 1}, {10, 20}), out);
  EXPECT_THAT(out.values(), ElementsAre(10, 10, 10, 20, 20, 20));
  BroadcastCopy(Tensor<double>(Shape{3}, {1, 2, 3}), out);
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3, 1, 2, 3));
  BroadcastCopy(Tensor<double>(Shape{}, {7}), out);
  EXPECT_THAT(out.values(), ElementsAre(7, 7, 7, 7, 7, 7));
}

TEST(BroadcastMapTest, ReadsBothOperands) {
  const Tensor<double> a(Shape{2, 1}, {10, 20});
  const Tensor<double> b(Shape{3}, {1, 2, 3});
  Tensor<double> out(Shape{2, 3});
  BroadcastMap(a, b, out, [](double x, double y) { return x - y; });
  EXPECT_THAT(out.values(), ElementsAre(9, 8, 7, 19, 18, 17));
}

TEST(BroadcastMapTest, ReadsBothOperandsOfEqualShape) {
  const Tensor<double> a(Shape{2}, {10, 20});
  const Tensor<double> b(Shape{2}, {1, 2});
  Tensor<double> out(Shape{2});
  BroadcastMap(a, b, out, [](double x, double y) { return x - y; });
  EXPECT_THAT(out.values(), ElementsAre(9, 18));
}

// Sums over several operands are made in place.
TEST(BroadcastMapTest, MayWriteOverAnOperandOfTheOutputsShape) {
  Tensor<double> sum(Shape{2, 2}, {1, 2, 3, 4});
  const Tensor<double> b(Shape{2}, {10, 20});
  BroadcastMap(sum, b, sum, [](double x, double y) { return x + y; });
  EXPECT_THAT(sum.values(), ElementsAre(11, 22, 13, 24));
}

TEST(BroadcastSumAddTest, AddsToWhatIsThere) {
  std::vector<double> sum = {100, 200, 300};
  BroadcastSumAdd(Shape{2, 3}, Shape{3}, sum.data(),
                  [](int64_t i) { return static_cast<double>(i); });
  EXPECT_THAT(sum, ElementsAre(103, 205, 307));
  BroadcastSumAdd(Shape{3}, Shape{3}, sum.data(), [](int64_t i) { return static_cast<double>(i); });
  EXPECT_THAT(sum, ElementsAre(103, 206, 309));
}

// <broadcast x, y> = <x, sum y>, which is what makes it the gradient. Small whole numbers: exact.
TEST(BroadcastSumAddTest, IsTheTransposeOfBroadcasting) {
  const Shape shape = {2, 3, 4};
  for (const Shape& operand : {Shape{}, Shape{4}, Shape{3, 1}, Shape{1, 3, 4}, Shape{2, 1, 4},
                               Shape{2, 1, 1}, Shape{2, 3, 4}, Shape{1}}) {
    testing::Random random(1);
    Tensor<double> x(operand);
    Tensor<double> y(shape);
    for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(random.Below(100));
    for (int64_t i = 0; i < y.size(); ++i) y[i] = static_cast<double>(random.Below(100));

    Tensor<double> stretched(shape);
    BroadcastCopy(x, stretched);
    Tensor<double> summed(operand);
    BroadcastSumAdd(shape, operand, summed.data(), [&](int64_t i) { return y[i]; });
    double left = 0;
    for (int64_t i = 0; i < y.size(); ++i) left += stretched[i] * y[i];
    double right = 0;
    for (int64_t i = 0; i < x.size(); ++i) right += x[i] * summed[i];
    EXPECT_EQ(left, right) << operand.ToString();
  }
}

}  // namespace
}  // namespace gradus
