#include "server/grading/answer.h"

#include <limits>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;
using ::testing::Optional;

TEST(ParseNumberTest, ReadsWhatPeopleWrite) {
  EXPECT_THAT(ParseNumber("0.130"), Optional(0.13));
  EXPECT_THAT(ParseNumber("-0.741"), Optional(-0.741));
  EXPECT_THAT(ParseNumber("+2"), Optional(2.0));
  EXPECT_THAT(ParseNumber(" 12 "), Optional(12.0));
  EXPECT_THAT(ParseNumber(".5"), Optional(0.5));
  EXPECT_THAT(ParseNumber("5."), Optional(5.0));
  EXPECT_THAT(ParseNumber("-1.25e-3"), Optional(-0.00125));
  EXPECT_THAT(ParseNumber("1E3"), Optional(1000.0));
  EXPECT_THAT(ParseNumber("007"), Optional(7.0));
  EXPECT_THAT(ParseNumber("1e-400"), Optional(0.0));
  EXPECT_THAT(ParseNumber("-1E-400"), Optional(0.0));
}

TEST(ParseNumberTest, RefusesEverythingElse) {
  for (const char* text :
       {"",     " ",   "-",     ".",     "e5",  "1e",  "1e5.5", "0x1p3", "inf",  "nan",
        "-inf", "1,5", "1 000", "1'000", "1/3", "--1", "+-1",   "1.2.3", "0.5x", "1e999"}) {
    EXPECT_EQ(ParseNumber(text), std::nullopt) << "'" << text << "'";
  }
  EXPECT_EQ(ParseNumber(std::string(65, '1')), std::nullopt);
  EXPECT_TRUE(ParseNumber(std::string(64, '1')).has_value());
}

ReadAnswer Read(const std::string& answer, const Shape& shape) {
  return ReadAnswerFor(FromText<v1::Answer>(answer), shape);
}

TEST(ReadAnswerTest, OneNumberNeedsNoShape) {
  EXPECT_THAT(Read("text { values: '0.5' }", Shape()).values, ElementsAre(Optional(0.5)));
  EXPECT_THAT(Read("text { values: '0.5' }", Shape({1})).values, ElementsAre(Optional(0.5)));
  EXPECT_THAT(Read("tensor { values: 0.5 }", Shape({1, 1})).values, ElementsAre(Optional(0.5)));
  EXPECT_THAT(Read("tensor { shape: 1 values: 0.5 }", Shape()).values, ElementsAre(Optional(0.5)));
}

TEST(ReadAnswerTest, TextWithoutShapeHasThatOfTheItem) {
  EXPECT_THAT(Read("text { values: [ '1', '2', '3', '4' ] }", Shape({2, 2})).values,
              ElementsAre(Optional(1.0), Optional(2.0), Optional(3.0), Optional(4.0)));
}

TEST(ReadAnswerTest, SaysWhatDoesNotFit) {
  struct Case {
    const char* answer;
    const char* problem;
  };
  const Case cases[] = {
      {"", "the answer is empty"},
      {"formula: 'x1*d3'", "formulas are not read yet; answer with a number"},
      {"text { values: [ '1', '2' ] }", "the answer has 2 numbers, the item has 4"},
      {"text { shape: [ 4 ] values: [ '1', '2', '3', '4' ] }",
       "the answer has shape [4], the item has [2, 2]"},
      {"tensor { shape: [ 4 ] values: [ 1, 2, 3, 4 ] }",
       "the answer has shape [4], the item has [2, 2]"},
      {"tensor { shape: [ 2, 2 ] values: [ 1, 2, 3 ] }",
       "values: shape [2, 2] has 4 elements, 3 given"},
      {"tensor { shape: [ -2 ] values: [ 1, 2 ] }",
       "shape[0]: a dimension is at least 1, this one is -2"},
  };
  for (const Case& c : cases) {
    const ReadAnswer read = Read(c.answer, Shape({2, 2}));
    EXPECT_THAT(read.values, IsEmpty()) << c.answer;
    EXPECT_EQ(read.problem, c.problem);
  }
  EXPECT_EQ(Read("tensor { shape: 2 values: [ 1, 2 ] }", Shape()).problem,
            "the answer has shape [2], the item has one number");
}

TEST(ReadAnswerTest, OneBadElementLeavesTheOthers) {
  const ReadAnswer text = Read("text { values: [ '1', 'x' ] }", Shape({2}));
  EXPECT_THAT(text.values, ElementsAre(Optional(1.0), std::nullopt));
  EXPECT_EQ(text.problem, "'x' is not a number");

  const ReadAnswer tensor = Read("tensor { shape: 2 values: [ nan, 2 ] }", Shape({2}));
  EXPECT_THAT(tensor.values, ElementsAre(std::nullopt, Optional(2.0)));
  EXPECT_EQ(tensor.problem, "nan is not a finite number");
}

}  // namespace
}  // namespace gradus
