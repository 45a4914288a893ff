#ifndef GRADUS_SERVER_GRADING_DIGITS_H_
#define GRADUS_SERVER_GRADING_DIGITS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"

#include "gradus/v1/assignment.pb.h"

namespace gradus {

// The unit of a number is the place value of its last digit: 0.001 for "0.130", 100 for "1.2e3". It
// is a power of ten, and 0 for a number that is exact. Everything that is known of a student's
// rounding comes from units.

// 10^exponent, correctly rounded, so that equal units are equal doubles however they came about. 0
// or infinity beyond the range of a double.
double PlaceValue(int64_t exponent);

// The exponent of a unit that PlaceValue made of one: -3 for 0.001. The unit is not 0.
int ExponentOf(double unit);

// A finite number as it is written when it is rounded to a unit, half to even: "0.130" for 0.12986
// and 0.001, "12e2" for 1234 and 100; zero has no sign. With unit 0, and where the digits down to
// the unit are more than a double has, as many as tell it from every other double.
std::string RoundedText(double x, double unit);

// The digits of a number from the first that is not 0 to the last that is not 0, as powers of ten:
// 0.0130 has 2, from -2 to -3. Zero has none.
struct SignificantDigits {
  int count = 0;
  int64_t first_place = 0;
  int64_t last_place = 0;
};

// Of a finite number, not negative, that is rounded to `digits` digits, 1 to 17.
SignificantDigits RoundedDigits(double magnitude, int digits);

// Of the shortest decimal that is read back as the same finite number, not negative.
SignificantDigits ShortestDigits(float magnitude);

// Whether exactly one kind of digits is set, and in its range. Errors are FieldErrors whose paths
// begin with `path`, the path of the message.
absl::Status CheckRequiredDigits(const v1::RequiredDigits& digits, const std::string& path);

// The unit of numbers with that many digits, in a tensor of the given largest magnitude: 10^-d for
// d decimals, the place value of the nth digit of the largest magnitude for n significant ones. The
// magnitude is rounded to n digits first: to 3 of them, 0.9999 is 1.00, and its unit is 0.01. A
// magnitude that is 0 or not finite counts as 1. nullopt where no digits are set, or too many.
std::optional<double> UnitOf(const v1::RequiredDigits& digits, double largest_magnitude);

// The coarsest unit that an answer may have: by the item's digits, else by the policy's, else 2
// decimals, or 3 significant digits of the largest magnitude where that is coarser. An answer with
// a coarser unit counts as if it had this one.
double RequiredUnit(const v1::RequiredDigits& item, const v1::RequiredDigits& policy,
                    double largest_magnitude);

// Relative error that float32 arithmetic is allowed, on terms and not on what they cancel to.
inline constexpr double kMachine = 1e-6;

// How far the number that a student found may be from the one that was recorded, `value`, for its
// rounding alone. `unit` is no coarser than required. Half a unit, or a whole one where the last
// digit may have been cut off, and never less than float32 arithmetic is off.
double HalfWidth(double unit, double value, bool allow_truncation);

// The unit that most of the numbers of a paper have; of several, the coarsest. 0 without numbers.
double UsualUnit(std::span<const double> units);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_DIGITS_H_
