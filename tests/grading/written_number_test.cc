#include "server/grading/written_number.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "tests/support/random.h"

namespace gradus {
namespace {

using ::testing::IsEmpty;
using testing::Random;

struct GoodCase {
  const char* text;
  double value;
  double unit;
  int significant_digits;
};

void ExpectRead(const GoodCase& c, bool decimal_comma) {
  const NumberText read = ReadNumber(c.text, decimal_comma);
  ASSERT_TRUE(read.number.has_value()) << "'" << c.text << "': " << read.problem;
  EXPECT_EQ(read.number->value, c.value) << c.text;
  EXPECT_EQ(read.number->unit, c.unit) << c.text;
  EXPECT_EQ(read.significant_digits, c.significant_digits) << c.text;
  EXPECT_THAT(read.problem, IsEmpty()) << c.text;
}

TEST(ReadNumberTest, ReadsWhatPeopleWrite) {
  const GoodCase cases[] = {
      // Decimals
      {"0.130", 0.13, 0.001, 3},
      {"0.13", 0.13, 0.01, 2},
      {"-0.741", -0.741, 0.001, 3},
      {"12", 12, 1, 2},
      {"+2", 2, 1, 1},
      {"007", 7, 1, 1},
      {"1200", 1200, 1, 4},
      {".5", 0.5, 0.1, 1},
      {"-.50", -0.5, 0.01, 2},
      {"5.", 5, 1, 1},
      {"0", 0, 1, 0},
      {"0.000", 0, 0.001, 0},
      {"0.0012345678", 0.0012345678, 1e-10, 8},
      {"1.0000000", 1, 1e-7, 8},
      // Exponents
      {"1.2e3", 1200, 100, 2},
      {"1E3", 1000, 1000, 1},
      {"-1.25e-3", -0.00125, 1e-5, 3},
      {"1.e+2", 100, 100, 1},
      {"1e00000000000000000000000002", 100, 100, 1},
      {"0.0e2", 0, 10, 0},
      {"1e308", 1e308, 1e308, 1},
      {"1e-310", 1e-310, 1e-310, 1},
      // What is too small for a double
      {"1e-400", 0, 0, 1},
      {"-1E-400", 0, 0, 1},
      {"12e-99999999999999999999999999", 0, 0, 2},
      // Fractions
      {"1/3", 1.0 / 3, 0, 0},
      {"-1/3", -1.0 / 3, 0, 0},
      {"+12 / 8", 1.5, 0, 0},
      {"0/5", 0, 0, 0},
      // The Unicode minus
      {"\u22120.5", -0.5, 0.1, 1},
      {"1.5e\u22122", 0.015, 0.001, 2},
      {"\u22121/4", -0.25, 0, 0},
      // Blanks around
      {" 12 ", 12, 1, 2},
      {"\t0.5\r\n", 0.5, 0.1, 1},
  };
  for (const GoodCase& c : cases) {
    ExpectRead(c, /*decimal_comma=*/false);
    ExpectRead(c, /*decimal_comma=*/true);
  }
}

TEST(ReadNumberTest, ReadsADecimalCommaWhereItIsOne) {
  const GoodCase cases[] = {
      {"0,130", 0.13, 0.001, 3},  {"-1,234", -1.234, 0.001, 4},
      {",5", 0.5, 0.1, 1},        {"5,", 5, 1, 1},
      {"1,2e3", 1200, 100, 2},    {"\u22120,5", -0.5, 0.1, 1},
      {"1.234", 1.234, 0.001, 4},
  };
  for (const GoodCase& c : cases) ExpectRead(c, /*decimal_comma=*/true);
}

struct BadCase {
  const char* text;
  const char* problem;
};

void ExpectProblem(const BadCase& c, bool decimal_comma) {
  const NumberText read = ReadNumber(c.text, decimal_comma);
  EXPECT_FALSE(read.number.has_value()) << c.text;
  EXPECT_EQ(read.significant_digits, 0) << c.text;
  EXPECT_EQ(read.problem, c.problem);
}

TEST(ReadNumberTest, SaysWhyItRefuses) {
  const BadCase cases[] = {
      {"", "there is no number"},
      {" \t ", "there is no number"},
      {"1/0", "'1/0' is a division by 0"},
      {"-0 / 00", "'-0 / 00' is a division by 0"},
      {"1e400", "'1e400' is too large a number"},
      {"-1e309", "'-1e309' is too large a number"},
      {"0e400", "'0e400' is too large a number"},
      {"1e99999999999999999999999999", "'1e99999999999999999999999999' is too large a number"},
      {" six\n", "'six' is not a number"},
      {"0.5\n0.6", "'0.5?0.6' is not a number"},
  };
  for (const BadCase& c : cases) {
    ExpectProblem(c, /*decimal_comma=*/false);
    ExpectProblem(c, /*decimal_comma=*/true);
  }
  for (const char* text :
       {"1 234", "1'234.5", "1_234_567", "1.234,5", "1,234.5", "-1,234,567", "1.234.567", "12 345,",
        "1\u00a0234", "1\u2009234", "1\u202f234", "1\u2019234", "\u22121 234"}) {
    const std::string problem =
        fmt::format("'{}' is not a number: thousands separators are not read, write 1234.5", text);
    ExpectProblem({text, problem.c_str()}, /*decimal_comma=*/false);
    ExpectProblem({text, problem.c_str()}, /*decimal_comma=*/true);
  }
  for (const char* text : {"0,13", "-1,234", ",5", "1,5e-3"}) {
    const std::string problem =
        fmt::format("'{}' is not a number: write a decimal point, not a comma", text);
    ExpectProblem({text, problem.c_str()}, /*decimal_comma=*/false);
  }
}

TEST(ReadNumberTest, RefusesEverythingElse) {
  for (const char* text : {"-",
                           ".",
                           ",",
                           "-.",
                           "e5",
                           "1e",
                           "1e-",
                           "1e5.5",
                           "1e5,5",
                           "0x1p3",
                           "inf",
                           "nan",
                           "-inf",
                           "NaN",
                           "infinity",
                           "--1",
                           "+-1",
                           "-+1",
                           "1.2.3",
                           "1..2",
                           "1.,2",
                           "0.5x",
                           "0,5x",
                           "50%",
                           "1 2",
                           "- 1",
                           "1 e3",
                           "1/",
                           "/3",
                           "1/3/5",
                           "1/-3",
                           "1.5/3",
                           "1/3e2",
                           "1e3/3",
                           "2*3",
                           "1e+-3",
                           "1 23",
                           "1 2345",
                           "0.5 0.123",
                           "1,234 567",
                           "\u22122\u2212",
                           "\u2212",
                           "\u0661",
                           "\u00bd",
                           "1\u20443"}) {
    for (const bool decimal_comma : {false, true}) {
      ExpectProblem({text, fmt::format("'{}' is not a number", text).c_str()}, decimal_comma);
    }
  }
}

TEST(ReadNumberTest, ReadsAsMuchAsTheLimitAllows) {
  EXPECT_TRUE(ReadNumber(std::string(64, '1'), false).number.has_value());
  EXPECT_TRUE(ReadNumber("  " + std::string(64, '1') + "  ", false).number.has_value());
  EXPECT_EQ(ReadNumber(std::string(65, '1'), false).problem,
            "'" + std::string(64, '1') + "...' is longer than 64 characters");
}

TEST(ReadNumberTest, CutsAQuotationBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "\u2212";  // 3 bytes each
  EXPECT_EQ(ReadNumber(text, false).problem,
            "'" + text.substr(0, 63) + "...' is longer than 64 characters");
}

// `count` random digits.
std::string RandomDigits(int64_t count, Random& random) {
  std::string digits;
  for (int64_t i = 0; i < count; ++i) digits += static_cast<char>('0' + random.Below(10));
  return digits;
}

// The standard library's reading of a decimal without sign.
double Oracle(const std::string& text) {
  double value = std::nan("");
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

TEST(ReadNumberTest, ReadsWhatWasPrinted) {
  Random random(4101);
  for (int i = 0; i < 20'000; ++i) {
    const int64_t decimals = random.Below(18);
    const std::string whole = RandomDigits(1 + random.Below(12), random);
    const std::string fraction = RandomDigits(decimals, random);
    const bool negative = random.Below(2) == 0;
    const bool comma = random.Below(2) == 0;
    const std::string magnitude = decimals == 0 ? whole : whole + "." + fraction;
    std::string text = decimals == 0 ? whole : whole + (comma ? "," : ".") + fraction;
    if (negative) text.insert(0, random.Below(2) == 0 ? "-" : "\u2212");

    const NumberText read = ReadNumber(text, /*decimal_comma=*/true);
    ASSERT_TRUE(read.number.has_value()) << text << ": " << read.problem;
    EXPECT_EQ(read.number->value, negative ? -Oracle(magnitude) : Oracle(magnitude)) << text;
    EXPECT_EQ(read.number->unit, Oracle(fmt::format("1e-{}", decimals))) << text;
    const size_t first = (whole + fraction).find_first_not_of('0');
    const size_t significant =
        first == std::string::npos ? 0 : whole.size() + fraction.size() - first;
    EXPECT_EQ(read.significant_digits, significant) << text;
  }
}

TEST(ReadNumberTest, ReadsEveryDoubleExactly) {
  Random random(4102);
  for (int i = 0; i < 20'000; ++i) {
    const double x =
        std::ldexp(random.UniformMagnitude(0.5, 1), 900 - static_cast<int>(random.Below(1900)));
    const NumberText read = ReadNumber(fmt::format("{}", x), false);
    ASSERT_TRUE(read.number.has_value()) << x << ": " << read.problem;
    EXPECT_EQ(read.number->value, x);
    EXPECT_LE(read.number->unit, std::abs(x));
  }
}

void ExpectNumberOrProblem(std::string_view text) {
  for (const bool decimal_comma : {false, true}) {
    const NumberText read = ReadNumber(text, decimal_comma);
    EXPECT_NE(read.number.has_value(), !read.problem.empty()) << text;
    if (read.number.has_value()) {
      EXPECT_TRUE(std::isfinite(read.number->value)) << text;
      EXPECT_TRUE(std::isfinite(read.number->unit) && read.number->unit >= 0) << text;
    }
    EXPECT_LE(read.problem.size(), 64 + 100) << text;
  }
}

TEST(ReadNumberTest, NeverFailsOnRandomBytes) {
  Random random(4103);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    const int64_t length = random.Below(100);
    for (int64_t k = 0; k < length; ++k) text += static_cast<char>(random.Below(256));
    ExpectNumberOrProblem(text);
  }
}

TEST(ReadNumberTest, NeverFailsOnAlmostNumbers) {
  constexpr std::string_view kPieces[] = {"0", "1", "9", "00",     "345",    ".",
                                          ",", "-", "+", "e",      "E",      "/",
                                          " ", "'", "_", "\u2212", "\u00a0", "inf"};
  Random random(4104);
  for (int i = 0; i < 100'000; ++i) {
    std::string text;
    const int64_t length = random.Below(12);
    for (int64_t k = 0; k < length; ++k) {
      text += kPieces[random.Below(static_cast<int64_t>(std::size(kPieces)))];
    }
    ExpectNumberOrProblem(text);
  }
}

}  // namespace
}  // namespace gradus
