#include "server/tensor/tensor.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(TensorTest, StartsAsZeros) {
  const Tensor<double> tensor(Shape{2, 3});
  EXPECT_EQ(tensor.size(), 6);
  EXPECT_THAT(tensor.values(), Each(0));
  EXPECT_EQ(Tensor<float>(Shape()).size(), 1) << "a scalar";
  EXPECT_EQ(Tensor<float>().size(), 0) << "a placeholder";
}

TEST(TensorTest, IsAValue) {
  Tensor<double> tensor(Shape{2}, {1, 2});
  const Tensor<double> copy = tensor;
  tensor[1] = 5;
  tensor.data()[0] = 4;
  EXPECT_THAT(tensor.values(), ElementsAre(4, 5));
  EXPECT_THAT(copy.values(), ElementsAre(1, 2));
  EXPECT_EQ(copy.shape(), Shape{2});
}

}  // namespace
}  // namespace gradus
