#include "server/tensor/tensor_proto.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "server/status/field_error.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FromText;

constexpr int64_t kLimit = 1000;

v1::Tensor Message(const std::string& text) { return FromText<v1::Tensor>(text); }

std::string Bytes(const std::vector<unsigned char>& bytes) { return {bytes.begin(), bytes.end()}; }

// The message's numbers, as code that holds a request reads them.
template <class T>
absl::StatusOr<Tensor<T>> Read(const v1::Tensor& message,
                               NonFinite non_finite = NonFinite::kRefuse) {
  const auto shape = ReadShape(message, kLimit);
  if (!shape.ok()) return shape.status();
  return ReadValues<T>(message, *shape, non_finite);
}

void ExpectError(const absl::Status& status, Reason reason, const std::string& message) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()), message);
  const auto violation = GetFieldViolation(status);
  ASSERT_TRUE(violation.has_value());
  EXPECT_EQ(ReasonName(violation->reason), ReasonName(reason));
}

// Reading

TEST(ReadTensorTest, FromValues) {
  const auto tensor = Read<double>(Message("shape: [ 2, 3 ] values: [ 1, 2, 3, 4, 5, 6.5 ]"));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->shape(), (Shape{2, 3}));
  EXPECT_THAT(tensor->values(), ElementsAre(1, 2, 3, 4, 5, 6.5));
}

TEST(ReadTensorTest, AScalarHasNoAxes) {
  const auto tensor = Read<double>(Message("values: 7"));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->shape(), Shape());
  EXPECT_THAT(tensor->values(), ElementsAre(7));
}

// The bytes are spelled out: a round trip alone would not notice both sides swapping them.
TEST(ReadTensorTest, FromLittleEndianBytes) {
  v1::Tensor f64 = Message("shape: 2");
  f64.set_raw_le_f64(Bytes({0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0x04, 0xc0}));
  const auto from_f64 = Read<double>(f64);
  ASSERT_TRUE(from_f64.ok()) << from_f64.status();
  EXPECT_THAT(from_f64->values(), ElementsAre(1, -2.5));

  v1::Tensor f32 = Message("shape: 2");
  f32.set_raw_le_f32(Bytes({0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0}));
  const auto from_f32 = Read<double>(f32);
  ASSERT_TRUE(from_f32.ok()) << from_f32.status();
  EXPECT_THAT(from_f32->values(), ElementsAre(1, -2.5));
}

TEST(ReadTensorTest, RoundsToThePrecisionOfTheComputation) {
  const auto tensor = Read<float>(Message("shape: 2 values: [ 0.1, 16777217 ]"));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->values(), ElementsAre(0.1F, 16777216.0F));
}

// Writing

template <class T>
Tensor<T> ThreeNumbers() {
  return {Shape{1, 3}, {T(0.1), T(-0.0), T(1e-30)}};
}

TEST(WriteTensorTest, UsesTheEncoding) {
  v1::Tensor message;
  WriteTensor(ThreeNumbers<double>(), v1::TENSOR_ENCODING_VALUES, &message);
  EXPECT_THAT(message.shape(), ElementsAre(1, 3));
  EXPECT_THAT(message.values(), ElementsAre(0.1, -0.0, 1e-30));
  WriteTensor(ThreeNumbers<double>(), v1::TENSOR_ENCODING_RAW_LE_F64, &message);
  EXPECT_EQ(message.raw_le_f64().size(), 24);
  EXPECT_EQ(message.values_size(), 0) << "what was there before is replaced";
  WriteTensor(ThreeNumbers<double>(), v1::TENSOR_ENCODING_RAW_LE_F32, &message);
  EXPECT_EQ(message.raw_le_f32().size(), 12);
  EXPECT_TRUE(message.raw_le_f64().empty());
  EXPECT_THAT(message.shape(), ElementsAre(1, 3)) << "not appended to the one before";
}

TEST(WriteTensorTest, DefaultsToValues) {
  v1::Tensor message;
  WriteTensor(ThreeNumbers<double>(), v1::TENSOR_ENCODING_UNSPECIFIED, &message);
  EXPECT_EQ(message.values_size(), 3);
}

TEST(WriteTensorTest, SpellsBytesLittleEndian) {
  v1::Tensor message;
  WriteTensor(Tensor<float>(Shape{1}, {-2.5F}), v1::TENSOR_ENCODING_RAW_LE_F64, &message);
  EXPECT_EQ(message.raw_le_f64(), Bytes({0, 0, 0, 0, 0, 0, 0x04, 0xc0}));
  WriteTensor(Tensor<double>(Shape{1}, {-2.5}), v1::TENSOR_ENCODING_RAW_LE_F32, &message);
  EXPECT_EQ(message.raw_le_f32(), Bytes({0, 0, 0x20, 0xc0}));
}

template <class T>
class RoundTripTest : public ::testing::Test {};
using Scalars = ::testing::Types<double, float>;
TYPED_TEST_SUITE(RoundTripTest, Scalars);

TYPED_TEST(RoundTripTest, KeepsEveryBitThatTheEncodingHolds) {
  using T = TypeParam;
  const Tensor<T> tensor = ThreeNumbers<T>();
  for (const auto encoding : {v1::TENSOR_ENCODING_VALUES, v1::TENSOR_ENCODING_RAW_LE_F64,
                              v1::TENSOR_ENCODING_RAW_LE_F32}) {
    v1::Tensor message;
    WriteTensor(tensor, encoding, &message);
    const auto read = Read<T>(message);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->shape(), tensor.shape());
    for (int64_t i = 0; i < tensor.size(); ++i) {
      const T expected = encoding == v1::TENSOR_ENCODING_RAW_LE_F32
                             ? static_cast<T>(static_cast<float>(tensor[i]))
                             : tensor[i];
      EXPECT_EQ((*read)[i], expected);
      EXPECT_EQ(std::signbit((*read)[i]), std::signbit(expected));
    }
  }
}

// Refusing

TEST(ReadShapeTest, RefusesTwoEncodings) {
  const std::string message = "numbers are in more than one of values, raw_le_f64 and raw_le_f32";
  ExpectError(ReadShape(Message("shape: 1 values: 1 raw_le_f32: '1234'"), kLimit).status(),
              Reason::kInvalidValue, message);
  ExpectError(ReadShape(Message("shape: 1 values: 1 raw_le_f64: '12345678'"), kLimit).status(),
              Reason::kInvalidValue, message);
  ExpectError(
      ReadShape(Message("shape: 1 raw_le_f64: '12345678' raw_le_f32: '1234'"), kLimit).status(),
      Reason::kInvalidValue, message);
}

TEST(ReadShapeTest, RefusesAWrongCount) {
  ExpectError(ReadShape(Message("shape: [ 2, 3 ] values: [ 1, 2 ]"), kLimit).status(),
              Reason::kValueCount, "values: shape [2, 3] has 6 elements, 2 given");
  ExpectError(ReadShape(Message("shape: 1 values: [ 1, 2 ]"), kLimit).status(), Reason::kValueCount,
              "values: shape [1] has 1 element, 2 given");
  ExpectError(ReadShape(Message("shape: 2 raw_le_f64: '12345678'"), kLimit).status(),
              Reason::kValueCount, "raw_le_f64: shape [2] has 2 elements, 1 given");
  ExpectError(ReadShape(Message("shape: 1 raw_le_f32: '12345678'"), kLimit).status(),
              Reason::kValueCount, "raw_le_f32: shape [1] has 1 element, 2 given");
}

TEST(ReadShapeTest, RefusesATensorWithoutNumbers) {
  ExpectError(ReadShape(v1::Tensor(), kLimit).status(), Reason::kValueCount,
              "values: shape [] has 1 element, 0 given");
}

TEST(ReadShapeTest, RefusesBytesThatMakeNoNumber) {
  ExpectError(ReadShape(Message("shape: 1 raw_le_f64: '12345678901'"), kLimit).status(),
              Reason::kValueCount, "raw_le_f64: 3 bytes after the last whole number");
  ExpectError(ReadShape(Message("shape: 1 raw_le_f32: '12345'"), kLimit).status(),
              Reason::kValueCount, "raw_le_f32: 1 bytes after the last whole number");
  ExpectError(ReadShape(Message("shape: 1 raw_le_f64: '1234'"), kLimit).status(),
              Reason::kValueCount, "raw_le_f64: 4 bytes after the last whole number");
}

TEST(ReadShapeTest, RefusesDimensionsBelowOne) {
  ExpectError(ReadShape(Message("shape: [ 2, 0 ]"), kLimit).status(), Reason::kInvalidValue,
              "shape[1]: a dimension is at least 1, this one is 0");
  ExpectError(ReadShape(Message("shape: [ -1, 2 ] values: [ 1, 2 ]"), kLimit).status(),
              Reason::kInvalidValue, "shape[0]: a dimension is at least 1, this one is -1");
  ExpectError(ReadShape(Message("shape: [ -9223372036854775808, -1 ]"), kLimit).status(),
              Reason::kInvalidValue,
              "shape[0]: a dimension is at least 1, this one is -9223372036854775808");
}

TEST(ReadShapeTest, RefusesMoreElementsThanTheLimit) {
  EXPECT_TRUE(ReadShape(Message("shape: 3 values: [ 1, 2, 3 ]"), 3).ok());
  ExpectError(ReadShape(Message("shape: 3 values: [ 1, 2, 3 ]"), 2).status(),
              Reason::kLimitExceeded, "shape: shape [3] has more elements than the limit of 2");
}

TEST(ReadShapeTest, RefusesAnOverflowingProduct) {
  // 2^32 times 2^32 wraps to 0, which would match the count of the numbers.
  ExpectError(ReadShape(Message("shape: [ 4294967296, 4294967296 ]"), kLimit).status(),
              Reason::kLimitExceeded,
              "shape: shape [4294967296, 4294967296] has more elements than the limit of 1000");
}

TEST(ReadShapeTest, RefusesTooManyAxes) {
  EXPECT_TRUE(ReadShape(Message("shape: [ 1, 1, 1, 1, 1, 1, 1, 1 ] values: 1"), kLimit).ok());
  ExpectError(ReadShape(Message("shape: [ 1, 1, 1, 1, 1, 1, 1, 1, 1 ] values: 1"), kLimit).status(),
              Reason::kLimitExceeded, "shape: a tensor has at most 8 axes, this one has 9");
}

TEST(ReadValuesTest, RefusesWhatIsNotFinite) {
  ExpectError(Read<double>(Message("shape: 3 values: [ 1, nan, inf ]")).status(),
              Reason::kNonFiniteInput, "values[1]: nan is not a finite number in this precision");
  ExpectError(Read<double>(Message("shape: 3 values: [ 1, 2, -inf ]")).status(),
              Reason::kNonFiniteInput, "values[2]: -inf is not a finite number in this precision");
  v1::Tensor f64 = Message("shape: 1");
  f64.set_raw_le_f64(Bytes({0, 0, 0, 0, 0, 0, 0xf0, 0x7f}));
  ExpectError(Read<double>(f64).status(), Reason::kNonFiniteInput,
              "raw_le_f64[0]: inf is not a finite number in this precision");
  v1::Tensor f32 = Message("shape: 2");
  f32.set_raw_le_f32(Bytes({0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x7f}));
  ExpectError(Read<double>(f32).status(), Reason::kNonFiniteInput,
              "raw_le_f32[1]: inf is not a finite number in this precision");
}

TEST(ReadValuesTest, RefusesWhatBecomesInfiniteInThePrecision) {
  const v1::Tensor message = Message("shape: 2 values: [ 1, 1e39 ]");
  EXPECT_TRUE(Read<double>(message).ok());
  ExpectError(Read<float>(message).status(), Reason::kNonFiniteInput,
              "values[1]: 1e+39 is not a finite number in this precision");
}

TEST(ReadValuesTest, KeepsWhatIsNotFiniteIfAsked) {
  const auto tensor =
      Read<double>(Message("shape: 3 values: [ nan, inf, -inf ]"), NonFinite::kAllow);
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_TRUE(std::isnan((*tensor)[0]));
  EXPECT_EQ((*tensor)[1], std::numeric_limits<double>::infinity());
  EXPECT_EQ((*tensor)[2], -std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace gradus
