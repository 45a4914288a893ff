#ifndef GRADUS_SERVER_GRADING_WRITTEN_NUMBER_H_
#define GRADUS_SERVER_GRADING_WRITTEN_NUMBER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gradus {

// A number as it was recorded. Both parts are finite.
struct WrittenNumber {
  double value;
  // Place value of the last digit written: 0.001 for "0.130", 1 for "12", 100 for "1.2e3". 0 for a
  // number that is exact: a fraction, or one that came from a program.
  double unit;

  friend bool operator==(const WrittenNumber&, const WrittenNumber&) = default;
};

// The longest text that is read as a number, in bytes, without the blanks around it.
inline constexpr size_t kMaxNumberBytes = 64;

// What became of a text: a number, or else a problem.
struct NumberText {
  std::optional<WrittenNumber> number;
  // Digits written, from the first that is not 0: 3 for "0.0130", 0 for "0.00". 0 for a fraction,
  // which shows nobody's rounding.
  int significant_digits = 0;
  // What could not be read and why, for the student, in valid UTF-8 if the text is. It quotes no
  // more than kMaxNumberBytes of it.
  std::string problem;
};

// Reads a number as people write it:
//
//   decimal    sign? digits and at most one decimal mark, such as 12, -0.130, 1. and .5, then
//              perhaps an exponent: 1.2e3, 1.2E-3
//   fraction   sign? digits / digits, with or without blanks around the slash: -1/3
//
// Blanks around it are allowed. A minus may be the Unicode one, U+2212. The decimal mark is a
// point, and with `decimal_comma` a comma as well. What is too small for a double is 0. Anything
// else is a problem: thousands separators, hexadecimals, "nan", what is too large for a double.
NumberText ReadNumber(std::string_view text, bool decimal_comma);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_WRITTEN_NUMBER_H_
