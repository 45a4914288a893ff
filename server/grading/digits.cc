#include "server/grading/digits.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>
#include <system_error>
#include <vector>

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// What a double can tell apart.
constexpr int kMaxDigits = 17;
constexpr int kDefaultDecimals = 2;
constexpr int kDefaultSignificantDigits = 3;
// Makes half a unit inclusive: 0.3775 may be written 0.378, although 0.378 - 0.3775 is more than
// 0.0005 in binary.
constexpr double kInclusive = 1 + 1e-6;

bool IsIn(int32_t count, int32_t least) { return count >= least && count <= kMaxDigits; }

absl::Status OutOfRange(const std::string& field, int32_t count, int32_t least) {
  return FieldError(field, Reason::kInvalidValue,
                    fmt::format("{} is not from {} to {}", count, least, kMaxDigits));
}

// Room for what std::to_chars writes of a double in up to 17 digits.
using Buffer = std::array<char, 32>;

// From d[.ddd]e[+-]dd.
SignificantDigits DigitsOfScientific(const char* begin, const char* end) {
  const std::string_view text(begin, static_cast<size_t>(end - begin));
  const size_t mark = text.find('e');
  const size_t last = text.substr(0, mark).find_last_not_of(".0");
  if (last == std::string_view::npos) return {};
  int64_t first_place = 0;
  const bool has_plus = text[mark + 1] == '+';
  std::from_chars(begin + mark + (has_plus ? 2 : 1), end, first_place);
  const int decimals = last == 0 ? 0 : static_cast<int>(last) - 1;
  return {decimals + 1, first_place, first_place - decimals};
}

double UnitOfSignificantDigits(int digits, double largest_magnitude) {
  const bool counts = largest_magnitude > 0 && std::isfinite(largest_magnitude);
  const int64_t leading = counts ? RoundedDigits(largest_magnitude, digits).first_place : 0;
  return PlaceValue(leading - (digits - 1));
}

}  // namespace

double PlaceValue(int64_t exponent) {
  const std::string text = fmt::format("1e{}", exponent);
  double value = 0;
  const std::from_chars_result read =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec == std::errc()) return value;
  return exponent < 0 ? 0 : std::numeric_limits<double>::infinity();
}

int ExponentOf(double unit) { return static_cast<int>(std::lround(std::log10(unit))); }

std::string RoundedText(double x, double unit) {
  constexpr double kMostUnits = 1e17;
  const double units = std::abs(x) / unit;
  if (!(units < kMostUnits)) return fmt::format("{}", x);
  const int exponent = ExponentOf(unit);
  std::string text = exponent <= 0 && -exponent <= kMaxDigits
                         ? fmt::format("{:.{}f}", x, -exponent)
                         : fmt::format("{:.0f}e{}", x / unit, exponent);
  const bool is_zero =
      text.substr(0, text.find('e')).find_first_of("123456789") == std::string::npos;
  if (is_zero && text.front() == '-') text.erase(0, 1);
  return text;
}

SignificantDigits RoundedDigits(double magnitude, int digits) {
  Buffer buffer = {};
  const std::to_chars_result written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude,
                    std::chars_format::scientific, digits - 1);
  return DigitsOfScientific(buffer.data(), written.ptr);
}

SignificantDigits ShortestDigits(float magnitude) {
  Buffer buffer = {};
  const std::to_chars_result written = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                                     magnitude, std::chars_format::scientific);
  return DigitsOfScientific(buffer.data(), written.ptr);
}

absl::Status CheckRequiredDigits(const v1::RequiredDigits& digits, const std::string& path) {
  switch (digits.digits_case()) {
    case v1::RequiredDigits::kDecimals:
      if (IsIn(digits.decimals(), 0)) return absl::OkStatus();
      return OutOfRange(path + ".decimals", digits.decimals(), 0);
    case v1::RequiredDigits::kSignificantDigits:
      if (IsIn(digits.significant_digits(), 1)) return absl::OkStatus();
      return OutOfRange(path + ".significant_digits", digits.significant_digits(), 1);
    default:
      return FieldError(path, Reason::kMissingField,
                        "empty; set decimals or significant_digits, or leave it out");
  }
}

std::optional<double> UnitOf(const v1::RequiredDigits& digits, double largest_magnitude) {
  switch (digits.digits_case()) {
    case v1::RequiredDigits::kDecimals:
      if (!IsIn(digits.decimals(), 0)) return std::nullopt;
      return PlaceValue(-digits.decimals());
    case v1::RequiredDigits::kSignificantDigits:
      if (!IsIn(digits.significant_digits(), 1)) return std::nullopt;
      return UnitOfSignificantDigits(digits.significant_digits(), largest_magnitude);
    default:
      return std::nullopt;
  }
}

double RequiredUnit(const v1::RequiredDigits& item, const v1::RequiredDigits& policy,
                    double largest_magnitude) {
  for (const v1::RequiredDigits* digits : {&item, &policy}) {
    const std::optional<double> unit = UnitOf(*digits, largest_magnitude);
    if (unit.has_value()) return *unit;
  }
  return std::max(PlaceValue(-kDefaultDecimals),
                  UnitOfSignificantDigits(kDefaultSignificantDigits, largest_magnitude));
}

double HalfWidth(double unit, double value, bool allow_truncation) {
  const double rounding = (allow_truncation ? unit : unit / 2) * kInclusive;
  return std::max(rounding, kMachine * std::abs(value));
}

double UsualUnit(std::span<const double> units) {
  std::vector<double> sorted(units.begin(), units.end());
  std::sort(sorted.begin(), sorted.end());
  double usual = 0;
  std::ptrdiff_t most = 0;
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    const auto end = std::upper_bound(begin, sorted.end(), *begin);
    if (end - begin >= most) {
      most = end - begin;
      usual = *begin;
    }
    begin = end;
  }
  return usual;
}

}  // namespace gradus
