#include "server/kernels/map.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

TEST(MapTest, WritesAndAddsByElement) {
  const Tensor<double> x(Shape{2}, {1, 2});
  const Tensor<double> y(Shape{2}, {10, 30});
  Tensor<double> out(Shape{2}, {100, 200});
  MapAdd(x, out, [](double a) { return 2 * a; });
  EXPECT_THAT(out.values(), ElementsAre(102, 204));
  MapAdd(x, y, out, [](double a, double b) { return b - a; });
  EXPECT_THAT(out.values(), ElementsAre(111, 232));
  Map(x, y, out, [](double a, double b) { return b - a; });
  EXPECT_THAT(out.values(), ElementsAre(9, 28));
  Map(x, out, [](double a) { return -a; });
  EXPECT_THAT(out.values(), ElementsAre(-1, -2));
}

}  // namespace
}  // namespace gradus
