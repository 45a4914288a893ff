#include "client/tensor_text.h"

#include <initializer_list>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus {
namespace {

using testing::ElementsAre;

v1::Tensor MakeTensor(std::initializer_list<int64_t> shape, std::initializer_list<double> values) {
  v1::Tensor tensor;
  tensor.mutable_shape()->Add(shape.begin(), shape.end());
  tensor.mutable_values()->Add(values.begin(), values.end());
  return tensor;
}

// 0, 1, 2, ...
v1::Tensor Counting(std::initializer_list<int64_t> shape) {
  v1::Tensor tensor = MakeTensor(shape, {});
  int64_t count = 1;
  for (const int64_t length : shape) count *= length;
  for (int64_t i = 0; i < count; ++i) tensor.add_values(static_cast<double>(i));
  return tensor;
}

TEST(TensorText, Scalar) {
  EXPECT_THAT(*TensorLines(MakeTensor({}, {0.55839123})), ElementsAre("0.558391"));
}

TEST(TensorText, Vector) {
  EXPECT_THAT(*TensorLines(MakeTensor({2}, {-0.5, 12345678})), ElementsAre("[-0.5  1.23457e+07]"));
}

TEST(TensorText, MatrixColumnsAreAlignedAtTheDecimalPoint) {
  EXPECT_THAT(*TensorLines(MakeTensor({3, 2}, {1, -0.25, -12.5, 1e-7, 0.125, 3})),
              ElementsAre("[  1      -0.25 ]",  //
                          "[-12.5     1e-07]",  //
                          "[  0.125   3    ]"));
}

TEST(TensorText, NothingIsNegativeZero) {
  EXPECT_THAT(*TensorLines(MakeTensor({1}, {-0.0})), ElementsAre("[0]"));
}

TEST(TensorText, NotFinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(*TensorLines(MakeTensor({4}, {infinity, -infinity, nan, -nan})),
              ElementsAre("[inf  -inf  nan  nan]"));
}

TEST(TensorText, LongOnesAreCutAndCounted) {
  EXPECT_THAT(*TensorLines(Counting({8})), ElementsAre("[0  1  2  3  4  5  6  7]"));
  EXPECT_THAT(*TensorLines(Counting({1000})),
              ElementsAre("[0  1  2  3  4  5  6  7  ... 992 more]"));
  EXPECT_THAT(*TensorLines(Counting({10, 1})), ElementsAre("[0]", "[1]", "[2]", "[3]", "[4]", "[5]",
                                                           "[6]", "[7]", "... 2 more rows"));
}

TEST(TensorText, MoreAxesAreMatricesUnderTheirIndex) {
  EXPECT_THAT(*TensorLines(Counting({2, 1, 2, 1})),
              ElementsAre("[0, 0, :, :]", "[0]", "[1]", "[1, 0, :, :]", "[2]", "[3]"));
  EXPECT_EQ(TensorLines(Counting({5, 4, 1, 1}))->back(), "... 4 more matrices");
  EXPECT_EQ(TensorLines(Counting({4, 28, 28}))->back(), "... 2 more matrices");
}

TEST(TensorText, RawNumbersToo) {
  v1::Tensor tensor = MakeTensor({1}, {});
  tensor.set_raw_le_f32(std::string("\0\0\0\x3f", 4));
  EXPECT_THAT(*TensorLines(tensor), ElementsAre("[0.5]"));
}

TEST(TensorText, ShapeAndNumbersBelongTogether) {
  const absl::Status status = TensorLines(MakeTensor({3}, {1, 2})).status();
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_FALSE(TensorLines(MakeTensor({-1}, {1})).ok());
}

}  // namespace
}  // namespace gradus
