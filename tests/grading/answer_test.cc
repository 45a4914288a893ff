#include "server/grading/answer.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/random.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;
using testing::Random;
using ::testing::SizeIs;

std::optional<WrittenNumber> Is(double value, double unit) { return WrittenNumber{value, unit}; }

ReadAnswer Read(const std::string& answer, const Shape& shape, const ReadOptions& options = {}) {
  return ReadAnswerFor(FromText<v1::Answer>(answer), shape, options);
}

ReadOptions Declared(const std::string& digits) {
  return {.declared = FromText<v1::RequiredDigits>(digits)};
}

TEST(ReadAnswerTest, OneNumberNeedsNoShape) {
  const auto half = ElementsAre(Is(0.5, 0.1));
  EXPECT_THAT(Read("text { values: '0.5' }", Shape()).values, half);
  EXPECT_THAT(Read("text { values: '0.5' }", Shape({1})).values, half);
  EXPECT_THAT(Read("text { shape: [ 1, 1 ] values: '0.5' }", Shape()).values, half);
  const auto exact = ElementsAre(Is(0.5, 0));
  EXPECT_THAT(Read("tensor { values: 0.5 }", Shape({1, 1})).values, exact);
  EXPECT_THAT(Read("tensor { shape: 1 values: 0.5 }", Shape()).values, exact);
}

TEST(ReadAnswerTest, TextWithoutShapeHasThatOfTheItem) {
  const ReadAnswer read = Read("text { values: [ '1', '2.0', '1/4', '0.040' ] }", Shape({2, 2}));
  EXPECT_THAT(read.values, ElementsAre(Is(1, 1), Is(2, 0.1), Is(0.25, 0), Is(0.04, 0.001)));
  EXPECT_THAT(read.problem, IsEmpty());
}

TEST(ReadAnswerTest, ReadsADecimalCommaWhereAllowed) {
  const std::string answer = "text { values: '0,130' }";
  EXPECT_THAT(Read(answer, Shape(), {.decimal_comma = true, .declared = {}}).values,
              ElementsAre(Is(0.13, 0.001)));
  EXPECT_EQ(Read(answer, Shape()).problem,
            "'0,130' is not a number: write a decimal point, not a comma");
}

TEST(ReadAnswerTest, EightDigitsAnywhereMakeAllTextExact) {
  EXPECT_THAT(Read("text { values: [ '0.5', '0.12345678', '0.0' ] }", Shape({3})).values,
              ElementsAre(Is(0.5, 0), Is(0.12345678, 0), Is(0, 0)));
  EXPECT_THAT(Read("text { values: [ '0.5', '0.01234567' ] }", Shape({2})).values,
              ElementsAre(Is(0.5, 0.1), Is(0.01234567, 1e-8)));
  EXPECT_THAT(Read("text { values: [ '0.5', 'x', '100.00000' ] }", Shape({3})).values,
              ElementsAre(Is(0.5, 0), std::nullopt, Is(100, 0)));
}

TEST(ReadAnswerTest, NumbersWithoutTextAreExact) {
  EXPECT_THAT(Read("tensor { shape: 2 values: [ 0.5, 12 ] }", Shape({2})).values,
              ElementsAre(Is(0.5, 0), Is(12, 0)));
}

TEST(ReadAnswerTest, DeclaredDigitsHoldForNumbersWithoutText) {
  const std::string tensor = "tensor { shape: 3 values: [ 0.13, -12, 0 ] }";
  EXPECT_THAT(Read(tensor, Shape({3}), Declared("decimals: 3")).values,
              ElementsAre(Is(0.13, 0.001), Is(-12, 0.001), Is(0, 0.001)));
  // Three digits of 12 are tenths; 0.13 shows that it has hundredths.
  EXPECT_THAT(Read(tensor, Shape({3}), Declared("significant_digits: 3")).values,
              ElementsAre(Is(0.13, 0.01), Is(-12, 0.1), Is(0, 0.1)));
  EXPECT_THAT(
      Read("text { values: [ '0.13', '0.1' ] }", Shape({2}), Declared("decimals: 3")).values,
      ElementsAre(Is(0.13, 0.01), Is(0.1, 0.1)));
}

TEST(ReadAnswerTest, DeclaredDigitsOutOfRangeAreAsIfUnset) {
  for (const char* declared : {"decimals: -1", "decimals: 18", "significant_digits: 0"}) {
    EXPECT_THAT(Read("tensor { values: 0.13 }", Shape(), Declared(declared)).values,
                ElementsAre(Is(0.13, 0)))
        << declared;
  }
}

TEST(ReadAnswerTest, DeclaredDigitsAreNotCoarserThanWhatIsThere) {
  EXPECT_THAT(
      Read("tensor { shape: 2 values: [ 0.12345, 0.5 ] }", Shape({2}), Declared("decimals: 3"))
          .values,
      ElementsAre(Is(0.12345, 1e-5), Is(0.5, 0.001)));
  EXPECT_THAT(
      Read("tensor { shape: 2 values: [ 0.12345678, 0.5 ] }", Shape({2}), Declared("decimals: 3"))
          .values,
      ElementsAre(Is(0.12345678, 0), Is(0.5, 0)));
  EXPECT_THAT(Read("tensor { shape: 2 values: [ 1, 0.3333333333333333 ] }", Shape({2}),
                   Declared("significant_digits: 1"))
                  .values,
              ElementsAre(Is(1, 0), Is(0.3333333333333333, 0)));
}

TEST(ReadAnswerTest, DeclaredDigitsSurviveArithmeticAndFloat32) {
  EXPECT_THAT(
      Read("tensor { values: 0.30000000000000004 }", Shape(), Declared("decimals: 3")).values,
      ElementsAre(Is(0.1 + 0.2, 0.001)));
  v1::Answer answer;
  const float number = 0.13F;
  answer.mutable_tensor()->set_raw_le_f32(&number, sizeof(number));
  EXPECT_THAT(ReadAnswerFor(answer, Shape(), Declared("decimals: 3")).values,
              ElementsAre(Is(static_cast<double>(number), 0.001)));
}

TEST(ReadAnswerTest, DeclaredDigitsOfExtremeNumbersAreHarmless) {
  EXPECT_THAT(Read("tensor { shape: 3 values: [ 1e300, 1e-300, inf ] }", Shape({3}),
                   Declared("significant_digits: 1"))
                  .values,
              ElementsAre(Is(1e300, 1e300), Is(1e-300, 1e-300), std::nullopt));
}

TEST(ReadAnswerTest, SaysWhatDoesNotFit) {
  struct Case {
    const char* answer;
    Shape shape;
    const char* problem;
  };
  const Case cases[] = {
      {"", {2}, "the answer is empty"},
      {"formula: 'x1*d3'", {}, "a formula is not read as a number"},
      {"text {}", {2, 2}, "the answer has 0 numbers, the item has 4"},
      {"text { values: '1' }", {2, 2}, "the answer has 1 number, the item has 4"},
      {"text { shape: [ 2, 2 ] values: [ '1', '2' ] }",
       {2, 2},
       "the answer has 2 numbers, the item has 4"},
      {"text { shape: [ 1, 1, 1, 1, 1, 1, 1, 1, 1 ] values: '1' }",
       {},
       "the answer has 9 axes, a tensor has at most 8"},
      {"text { shape: [ -1, 9223372036854775807 ] values: '1' }",
       {2},
       "the answer has shape [-1, 9223372036854775807], the item has [2]"},
      {"tensor { shape: 2 values: [ 1, 2 ] }",
       {},
       "the answer has shape [2], the item has one number"},
      {"tensor { values: 1 }", {3}, "the answer has one number, the item has [3]"},
      {"tensor { shape: [ 2, 2 ] values: [ 1, 2, 3 ] }",
       {2, 2},
       "values: shape [2, 2] has 4 elements, 3 given"},
      {"tensor { shape: [ -2 ] values: [ 1, 2 ] }",
       {2, 2},
       "shape[0]: a dimension is at least 1, this one is -2"},
  };
  for (const Case& c : cases) {
    const ReadAnswer read = Read(c.answer, c.shape);
    EXPECT_THAT(read.values, IsEmpty()) << c.answer;
    EXPECT_EQ(read.problem, c.problem);
  }
}

v1::Answer Zeros(const Shape& shape) {
  v1::Answer answer;
  answer.mutable_tensor()->mutable_shape()->Add(shape.lengths().begin(), shape.lengths().end());
  for (int64_t i = 0; i < shape.element_count(); ++i) answer.mutable_tensor()->add_values(0);
  return answer;
}

TEST(ReadAnswerTest, NamesMistakesOfShape) {
  struct Case {
    Shape given;
    Shape wanted;
    const char* mistake;
  };
  const Case cases[] = {
      {{3, 2}, {2, 3}, ": it looks transposed"},
      {{1, 3}, {3, 1}, ": it looks transposed"},
      {{4, 2, 3}, {2, 3, 4}, ": it looks transposed"},
      {{6}, {2, 3}, ": it looks flattened"},
      {{24}, {2, 3, 4}, ": it looks flattened"},
      {{2, 1, 3}, {2, 3}, ": it has an extra axis of length 1"},
      {{1, 3}, {3}, ": it has an extra axis of length 1"},
      {{3}, {3, 1}, ": it lacks an axis of length 1"},
      {{3}, {1, 3}, ": it lacks an axis of length 1"},
      {{3}, {2, 3}, ": it looks summed over the first axis, the batch"},
      {{1, 3}, {2, 3}, ": it looks summed over the first axis, the batch"},
      {{3, 4}, {2, 3, 4}, ": it looks summed over the first axis, the batch"},
      {{1}, {4, 1}, ": it looks summed over the first axis, the batch"},
      // Nothing that we know
      {{2}, {2, 3}, ""},
      {{2, 2}, {2, 3}, ""},
      {{6, 1}, {2, 3}, ""},
      {{2, 3}, {6}, ""},
      {{1}, {3}, ""},
      {{7}, {2, 3}, ""},
  };
  for (const Case& c : cases) {
    const std::string problem = "the answer has shape " + c.given.ToString() + ", the item has " +
                                c.wanted.ToString() + c.mistake;
    const v1::Answer tensor = Zeros(c.given);
    EXPECT_EQ(ReadAnswerFor(tensor, c.wanted, {}).problem, problem);

    v1::Answer text;
    *text.mutable_text()->mutable_shape() = tensor.tensor().shape();
    for (int64_t i = 0; i < c.given.element_count(); ++i) text.mutable_text()->add_values("0");
    EXPECT_EQ(ReadAnswerFor(text, c.wanted, {}).problem, problem);
    EXPECT_THAT(ReadAnswerFor(text, c.wanted, {}).values, IsEmpty());
  }
}

TEST(ReadAnswerTest, NamesASumInTextWithoutShape) {
  EXPECT_EQ(Read("text { values: [ '1', '2', '3' ] }", Shape({4, 3})).problem,
            "the answer has 3 numbers, the item has 12: it looks summed over the first axis, the "
            "batch");
  EXPECT_EQ(Read("text { values: [ '1', '2' ] }", Shape({4, 3})).problem,
            "the answer has 2 numbers, the item has 12");
  EXPECT_EQ(Read("text { values: '1' }", Shape({4, 1})).problem,
            "the answer has 1 number, the item has 4");
}

TEST(ReadAnswerTest, OneBadElementLeavesTheOthers) {
  const ReadAnswer text = Read("text { values: [ '1', '2', '3', 'x', '', '6' ] }", Shape({2, 3}));
  EXPECT_THAT(text.values,
              ElementsAre(Is(1, 1), Is(2, 1), Is(3, 1), std::nullopt, std::nullopt, Is(6, 1)));
  EXPECT_EQ(text.problem, "element [1,0]: 'x' is not a number");

  const ReadAnswer tensor = Read("tensor { shape: 3 values: [ 1, nan, -inf ] }", Shape({3}));
  EXPECT_THAT(tensor.values, ElementsAre(Is(1, 0), std::nullopt, std::nullopt));
  EXPECT_EQ(tensor.problem, "element [1]: nan is not a finite number");

  EXPECT_EQ(Read("text { values: 'x' }", Shape({1, 1})).problem, "'x' is not a number");
}

Shape RandomShape(Random& random) {
  Shape shape;
  const int64_t rank = random.Below(4);
  for (int64_t axis = 0; axis < rank; ++axis) shape.Append(1 + random.Below(3));
  return shape;
}

TEST(ReadAnswerTest, FitsTheItemOrSaysWhyNot) {
  Random random(4106);
  for (int i = 0; i < 5'000; ++i) {
    const Shape wanted = RandomShape(random);
    const Shape given = RandomShape(random);
    const ReadAnswer read = ReadAnswerFor(Zeros(given), wanted, {});
    const bool fits = given == wanted || given.element_count() * wanted.element_count() == 1;
    EXPECT_EQ(read.problem.empty(), fits) << given.ToString() << ", " << wanted.ToString();
    EXPECT_THAT(read.values, SizeIs(fits ? static_cast<size_t>(wanted.element_count()) : 0));
  }
}

TEST(ReadAnswerTest, RoundedNumbersHaveTheDeclaredUnit) {
  constexpr double kUnits[] = {1, 0.1, 0.01, 1e-3, 1e-4};
  Random random(4105);
  for (int i = 0; i < 2'000; ++i) {
    const int decimals = static_cast<int>(random.Below(5));
    v1::Answer answer;
    answer.mutable_tensor()->add_shape(8);
    const double scale = std::pow(10, decimals);
    for (int k = 0; k < 8; ++k) {
      const double rounded = std::round(random.Uniform(-100, 100) * scale) / scale;
      // Half of the papers come from float32.
      answer.mutable_tensor()->add_values(
          i % 2 == 0 ? rounded : static_cast<double>(static_cast<float>(rounded)));
    }
    ReadOptions options;
    options.declared.set_decimals(decimals);
    const ReadAnswer read = ReadAnswerFor(answer, Shape({8}), options);
    ASSERT_THAT(read.values, SizeIs(8));
    for (const std::optional<WrittenNumber>& number : read.values) {
      EXPECT_EQ(number->unit, kUnits[decimals]) << number->value;
    }
  }
}

}  // namespace
}  // namespace gradus
