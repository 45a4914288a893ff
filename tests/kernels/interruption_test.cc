#include "server/kernels/interruption.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

#include "server/kernels/matmul.h"

namespace gradus {
namespace {

constexpr int64_t kMany = 1'000'000;

int64_t StepsOfALoop() {
  int64_t steps = 0;
  ForEachIndex(kMany, [&](int64_t) { ++steps; });
  return steps;
}

TEST(InterruptionTest, EveryIndexOnceInOrder) {
  for (const int64_t count : {0, 1, 15, 16, 17, 4095, 4096, 4097, 100'000}) {
    int64_t next = 0;
    ForEachIndex(count, [&](int64_t i) { EXPECT_EQ(i, next++); });
    EXPECT_EQ(next, count);
  }
}

TEST(InterruptionTest, NothingIsInterruptedWithoutAScope) {
  {
    const InterruptionScope scope([] { return true; });
  }
  EXPECT_EQ(StepsOfALoop(), kMany);
}

TEST(InterruptionTest, StopsAtOnceIfCancelledBefore) {
  const std::atomic<bool> cancelled = true;
  const InterruptionScope scope(cancelled);
  EXPECT_TRUE(scope.is_cancelled());
  EXPECT_EQ(StepsOfALoop(), 0);
}

TEST(InterruptionTest, StopsSoonAfterTheFlagIsSet) {
  std::atomic<bool> cancelled = false;
  const InterruptionScope scope(cancelled);
  int64_t steps = 0;
  ForEachIndex(kMany, [&](int64_t i) {
    if (i == 1000) cancelled = true;
    ++steps;
  });
  EXPECT_GT(steps, 1000);
  EXPECT_LT(steps, 10'000);
}

// Short loops inside of a long one are not counted, so the long one is.
TEST(InterruptionTest, StopsInNests) {
  for (const int64_t inner : {1, 10, 100, 100'000}) {
    int looks = 0;
    const InterruptionScope scope([&] { return ++looks > 3; });
    int64_t steps = 0;
    ForEachIndex(kMany, [&](int64_t) { ForEachIndex(inner, [&](int64_t) { ++steps; }); });
    EXPECT_LT(steps, 500'000) << inner;
  }
}

TEST(InterruptionTest, TheInnermostScopeCounts) {
  const InterruptionScope outer([] { return false; });
  {
    const InterruptionScope inner([] { return true; });
    EXPECT_EQ(StepsOfALoop(), 0);
  }
  EXPECT_EQ(StepsOfALoop(), kMany);
}

// In each of the three directions in which a product is sliced.
TEST(InterruptionTest, SlicesOfAMatrixProduct) {
  using Lengths = std::array<int64_t, 3>;
  for (const Lengths& lengths :
       {Lengths{4096, 64, 512}, Lengths{512, 64, 4096}, Lengths{16, 1 << 18, 16}}) {
    const int64_t rows = lengths[0];
    const int64_t depth = lengths[1];
    const int64_t columns = lengths[2];
    const std::vector<double> a(static_cast<size_t>(rows * depth), 1);
    const std::vector<double> b(static_cast<size_t>(depth * columns), 1);
    std::vector<double> out(static_cast<size_t>(rows * columns));
    const auto multiply = [&] {
      MatMulAdd(MatrixView<double>::RowMajor(a.data(), rows, depth),
                MatrixView<double>::RowMajor(b.data(), depth, columns), out.data());
    };
    multiply();
    for (const double x : out) ASSERT_EQ(x, static_cast<double>(depth));

    int looks = 0;
    const InterruptionScope scope([&] { return ++looks > 2; });
    out.assign(out.size(), 0);
    multiply();
    double sum = 0;
    for (const double x : out) sum += x;
    EXPECT_GT(sum, 0);
    EXPECT_LT(sum, 0.6 * static_cast<double>(depth * rows * columns));
  }
}

}  // namespace
}  // namespace gradus
