#include "server/kernels/sum_of_products.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

std::vector<double> Sum(const std::vector<Loop>& loops, const std::vector<const double*>& factors,
                        std::vector<double> start) {
  SumOfProductsAdd<double>(loops, factors, start.data());
  return start;
}

// [2, 2] times [2, 2], with the loops in either order.
TEST(SumOfProductsAddTest, MultipliesMatrices) {
  const std::vector<double> a = {1, 2, 3, 4};
  const std::vector<double> b = {5, 6, 7, 8};
  const Loop i = {2, {2, 0, 2}};
  const Loop j = {2, {1, 2, 0}};
  const Loop k = {2, {0, 1, 1}};
  EXPECT_THAT(Sum({i, j, k}, {a.data(), b.data()}, {0, 0, 0, 0}), ElementsAre(19, 22, 43, 50));
  EXPECT_THAT(Sum({k, i, j}, {a.data(), b.data()}, {0, 0, 0, 0}), ElementsAre(19, 22, 43, 50));
}

TEST(SumOfProductsAddTest, AddsToWhatIsThere) {
  const std::vector<double> a = {1, 2, 3};
  EXPECT_THAT(Sum({{3, {1, 0}}}, {a.data()}, {10}), ElementsAre(16));
}

TEST(SumOfProductsAddTest, WithoutLoopsIsOneProduct) {
  const double a = 2;
  const double b = 3;
  const double c = 4;
  EXPECT_THAT(Sum({}, {&a, &b, &c}, {1}), ElementsAre(25));
}

}  // namespace
}  // namespace gradus
