#include "server/grading/digits.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "server/status/field_error.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using testing::FromText;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

v1::RequiredDigits Digits(const std::string& text) { return FromText<v1::RequiredDigits>(text); }

TEST(PlaceValueTest, IsTheNearestDoubleToAPowerOfTen) {
  EXPECT_EQ(PlaceValue(0), 1);
  EXPECT_EQ(PlaceValue(2), 100);
  EXPECT_EQ(PlaceValue(-3), 0.001);
  EXPECT_EQ(PlaceValue(-17), 1e-17);
  EXPECT_EQ(PlaceValue(23), 1e23);
  EXPECT_EQ(PlaceValue(308), 1e308);
  EXPECT_EQ(PlaceValue(-310), 1e-310);
}

TEST(PlaceValueTest, IsZeroOrInfinityBeyondTheRange) {
  EXPECT_EQ(PlaceValue(-400), 0);
  EXPECT_EQ(PlaceValue(std::numeric_limits<int64_t>::min()), 0);
  EXPECT_EQ(PlaceValue(309), kInfinity);
  EXPECT_EQ(PlaceValue(std::numeric_limits<int64_t>::max()), kInfinity);
}

void ExpectDigits(const SignificantDigits& digits, int count, int64_t first_place,
                  int64_t last_place) {
  EXPECT_EQ(digits.count, count);
  EXPECT_EQ(digits.first_place, first_place);
  EXPECT_EQ(digits.last_place, last_place);
}

TEST(ExponentOfTest, IsThatOfPlaceValue) {
  for (const int exponent : {-300, -17, -3, 0, 1, 2, 22, 300}) {
    EXPECT_EQ(ExponentOf(PlaceValue(exponent)), exponent);
  }
}

TEST(RoundedTextTest, HasTheDigitsDownToTheUnit) {
  EXPECT_EQ(RoundedText(0.12986, 0.001), "0.130");
  EXPECT_EQ(RoundedText(-12.5, 0.1), "-12.5");
  EXPECT_EQ(RoundedText(3, 1), "3");
  EXPECT_EQ(RoundedText(1234, 100), "12e2");
  EXPECT_EQ(RoundedText(-1.5e-30, 1e-31), "-15e-31");
}

TEST(RoundedTextTest, RoundsHalfToEven) {
  EXPECT_EQ(RoundedText(0.125, 0.01), "0.12");
  EXPECT_EQ(RoundedText(0.375, 0.01), "0.38");
  EXPECT_EQ(RoundedText(250, 100), "2e2");
  EXPECT_EQ(RoundedText(350, 100), "4e2");
}

TEST(RoundedTextTest, ZeroHasNoSign) {
  EXPECT_EQ(RoundedText(-0.0004, 0.001), "0.000");
  EXPECT_EQ(RoundedText(-3, 100), "0e2");
  EXPECT_EQ(RoundedText(-0.0, 1), "0");
}

TEST(RoundedTextTest, KeepsWhatTheUnitDoesNotReach) {
  EXPECT_EQ(RoundedText(0.1, 0), "0.1");
  EXPECT_EQ(RoundedText(0, 0), "0");
  EXPECT_EQ(RoundedText(1e300, 0.01), "1e+300");
}

TEST(RoundedDigitsTest, GoFromTheFirstToTheLastThatIsNotZero) {
  ExpectDigits(RoundedDigits(0.013, 5), 2, -2, -3);
  ExpectDigits(RoundedDigits(12, 5), 2, 1, 0);
  ExpectDigits(RoundedDigits(1200, 5), 2, 3, 2);
  ExpectDigits(RoundedDigits(1.002, 5), 4, 0, -3);
  ExpectDigits(RoundedDigits(1.002, 3), 1, 0, 0);
  ExpectDigits(RoundedDigits(99.96, 3), 1, 2, 2);
  ExpectDigits(RoundedDigits(7, 1), 1, 0, 0);
  ExpectDigits(RoundedDigits(0.1 + 0.2, 17), 17, -1, -17);
  ExpectDigits(RoundedDigits(std::numeric_limits<double>::max(), 17), 17, 308, 292);
  ExpectDigits(RoundedDigits(std::numeric_limits<double>::denorm_min(), 1), 1, -324, -324);
  ExpectDigits(RoundedDigits(0, 5), 0, 0, 0);
}

TEST(ShortestDigitsTest, AreThoseOfTheFloat) {
  ExpectDigits(ShortestDigits(0.13F), 2, -1, -2);
  ExpectDigits(ShortestDigits(1.0F / 3), 8, -1, -8);
  ExpectDigits(ShortestDigits(0), 0, 0, 0);
}

TEST(CheckRequiredDigitsTest, AcceptsTheDocumentedRanges) {
  for (const char* text :
       {"decimals: 0", "decimals: 17", "significant_digits: 1", "significant_digits: 17"}) {
    EXPECT_TRUE(CheckRequiredDigits(Digits(text), "policy.required_digits").ok()) << text;
  }
}

TEST(CheckRequiredDigitsTest, RefusesEverythingElse) {
  struct Case {
    const char* digits;
    Reason reason;
    const char* message;
  };
  const Case cases[] = {
      {"", Reason::kMissingField,
       "items[2].required_digits: empty; set decimals or significant_digits, or leave it out"},
      {"decimals: -1", Reason::kInvalidValue,
       "items[2].required_digits.decimals: -1 is not from 0 to 17"},
      {"decimals: 18", Reason::kInvalidValue,
       "items[2].required_digits.decimals: 18 is not from 0 to 17"},
      {"significant_digits: 0", Reason::kInvalidValue,
       "items[2].required_digits.significant_digits: 0 is not from 1 to 17"},
      {"significant_digits: 2147483647", Reason::kInvalidValue,
       "items[2].required_digits.significant_digits: 2147483647 is not from 1 to 17"},
  };
  for (const Case& c : cases) {
    const absl::Status status = CheckRequiredDigits(Digits(c.digits), "items[2].required_digits");
    EXPECT_EQ(status.message(), c.message);
    ASSERT_TRUE(GetFieldViolation(status).has_value()) << c.digits;
    EXPECT_EQ(GetFieldViolation(status)->reason, c.reason) << c.digits;
  }
}

TEST(UnitOfTest, CountsDecimalsFromThePoint) {
  EXPECT_EQ(UnitOf(Digits("decimals: 0"), 1234), 1);
  EXPECT_EQ(UnitOf(Digits("decimals: 3"), 1234), 0.001);
  EXPECT_EQ(UnitOf(Digits("decimals: 17"), 0), 1e-17);
}

TEST(UnitOfTest, CountsSignificantDigitsFromTheLargestMagnitude) {
  EXPECT_EQ(UnitOf(Digits("significant_digits: 3"), 0.741), 0.001);
  EXPECT_EQ(UnitOf(Digits("significant_digits: 3"), 0.1), 0.001);
  EXPECT_EQ(UnitOf(Digits("significant_digits: 3"), 1), 0.01);
  EXPECT_EQ(UnitOf(Digits("significant_digits: 3"), 12.5), 0.1);
  EXPECT_EQ(UnitOf(Digits("significant_digits: 1"), 4321), 1000);
  EXPECT_EQ(UnitOf(Digits("significant_digits: 2"), 1.5e-7), 1e-8);
  EXPECT_EQ(UnitOf(Digits("significant_digits: 17"), 1e300), 1e284);
}

TEST(UnitOfTest, CountsFromTheMagnitudeAsItIsWritten) {
  EXPECT_EQ(UnitOf(Digits("significant_digits: 3"), 0.9999999), 0.01);  // "1.00"
  EXPECT_EQ(UnitOf(Digits("significant_digits: 3"), 0.9994), 0.001);    // "0.999"
}

TEST(UnitOfTest, TakesAMagnitudeThatTellsNothingForOne) {
  EXPECT_EQ(UnitOf(Digits("significant_digits: 3"), 0), 0.01);
  EXPECT_EQ(UnitOf(Digits("significant_digits: 3"), kInfinity), 0.01);
  EXPECT_EQ(UnitOf(Digits("significant_digits: 3"), std::nan("")), 0.01);
}

TEST(UnitOfTest, IsUnknownWithoutDigitsInRange) {
  for (const char* text : {"", "decimals: -1", "decimals: 18", "significant_digits: 0",
                           "significant_digits: -2147483648"}) {
    EXPECT_EQ(UnitOf(Digits(text), 1), std::nullopt) << text;
  }
}

TEST(RequiredUnitTest, TakesTheItemsDigitsThenThePolicys) {
  const v1::RequiredDigits unset;
  EXPECT_EQ(RequiredUnit(Digits("decimals: 4"), Digits("decimals: 1"), 1), 1e-4);
  EXPECT_EQ(RequiredUnit(Digits("significant_digits: 2"), Digits("decimals: 5"), 30), 1);
  EXPECT_EQ(RequiredUnit(unset, Digits("decimals: 1"), 1), 0.1);
  EXPECT_EQ(RequiredUnit(unset, Digits("significant_digits: 4"), 30), 0.01);
}

TEST(RequiredUnitTest, IsTwoDecimalsOrThreeDigitsByDefault) {
  const v1::RequiredDigits unset;
  EXPECT_EQ(RequiredUnit(unset, unset, 0), 0.01);
  EXPECT_EQ(RequiredUnit(unset, unset, 1e-9), 0.01);
  EXPECT_EQ(RequiredUnit(unset, unset, 9.9), 0.01);
  EXPECT_EQ(RequiredUnit(unset, unset, 10), 0.1);
  EXPECT_EQ(RequiredUnit(unset, unset, 54321), 100);
}

TEST(HalfWidthTest, IsHalfAUnitInclusive) {
  EXPECT_LE(0.378 - 0.3775, HalfWidth(0.001, 0.378, false));
  EXPECT_LE(0.3775 - 0.377, HalfWidth(0.001, 0.377, false));
  EXPECT_LT(HalfWidth(0.001, 0.378, false), 0.000501);
}

TEST(HalfWidthTest, IsAWholeUnitWhereDigitsMayBeCutOff) {
  EXPECT_LE(0.378 - 0.377, HalfWidth(0.001, 0.377, true));
  EXPECT_LT(HalfWidth(0.001, 0.377, true), 0.001001);
}

TEST(HalfWidthTest, IsNeverLessThanFloat32IsOff) {
  EXPECT_EQ(HalfWidth(0, 3, false), 3e-6);
  EXPECT_EQ(HalfWidth(0, -3, true), 3e-6);
  EXPECT_EQ(HalfWidth(1e-9, -3, false), 3e-6);
  EXPECT_EQ(HalfWidth(0, 0, false), 0);
}

TEST(UsualUnitTest, IsWhatMostNumbersHave) {
  EXPECT_EQ(UsualUnit({}), 0);
  EXPECT_EQ(UsualUnit(std::vector<double>{0.01}), 0.01);
  EXPECT_EQ(UsualUnit(std::vector<double>{0.001, 0.1, 0.001}), 0.001);
  EXPECT_EQ(UsualUnit(std::vector<double>{0, 0.001, 0, 0.1, 0}), 0);
}

TEST(UsualUnitTest, IsTheCoarserOfEqualsInAnyOrder) {
  EXPECT_EQ(UsualUnit(std::vector<double>{0.001, 0.01, 0.1, 0.01, 0.001}), 0.01);
  EXPECT_EQ(UsualUnit(std::vector<double>{0.01, 0.001}), 0.01);
  EXPECT_EQ(UsualUnit(std::vector<double>{0, 0.001}), 0.001);
}

}  // namespace
}  // namespace gradus
