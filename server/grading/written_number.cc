#include "server/grading/written_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "server/grading/digits.h"
#include "server/status/text.h"

namespace gradus {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kUnicodeMinus = "\u2212";
// What is put between groups of three digits: in ASCII, then the no-break, the thin and the narrow
// no-break space, and the typographic apostrophe.
constexpr std::string_view kGroupSeparators[] = {" ",      ",",      ".",      "'",     "_",
                                                 "\u00a0", "\u2009", "\u202f", "\u2019"};
// Any exponent of this size is beyond every double, whatever the up to 64 digits before it.
constexpr int64_t kMaxExponent = 9999;

// Takes a text apart from its beginning.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }
  // Moves past `token` if the rest begins with it.
  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  // Moves past a sign, if there is one: -1 for a minus, else 1.
  int TakeSign() {
    if (Take("-")) return -1;
    Take("+");
    return 1;
  }
  // Moves past all the characters of `set` that come next.
  std::string_view TakeAll(std::string_view set) {
    const std::string_view taken = rest_.substr(0, rest_.find_first_not_of(set));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Moves past a separator of groups; empty if none comes next.
  std::string_view TakeGroupSeparator() {
    for (const std::string_view separator : kGroupSeparators) {
      if (Take(separator)) return separator;
    }
    return {};
  }

 private:
  std::string_view rest_;
};

std::string_view Trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::string WithPlainMinus(std::string_view text) {
  std::string plain(text);
  size_t at = plain.find(kUnicodeMinus);
  while (at != std::string::npos) {
    plain.replace(at, kUnicodeMinus.size(), "-");
    at = plain.find(kUnicodeMinus, at);
  }
  return plain;
}

// sign * digits * 10^exponent, as written: 0.130 is 0130 * 10^-3.
struct Decimal {
  int sign = 1;
  std::string digits;
  int64_t exponent = 0;  // of the last digit
};

// The exponent that `digits` say, cut to kMaxExponent.
int64_t ReadExponent(std::string_view digits) {
  int64_t exponent = 0;
  const std::from_chars_result read =
      std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  return read.ec == std::errc() ? std::min(exponent, kMaxExponent) : kMaxExponent;
}

std::optional<Decimal> ScanDecimal(std::string_view text, bool decimal_comma) {
  Scanner scanner(text);
  Decimal decimal;
  decimal.sign = scanner.TakeSign();
  decimal.digits = scanner.TakeAll(kDigits);
  if (scanner.Take(".") || (decimal_comma && scanner.Take(","))) {
    const std::string_view fraction = scanner.TakeAll(kDigits);
    decimal.digits += fraction;
    decimal.exponent = -static_cast<int64_t>(fraction.size());
  }
  if (decimal.digits.empty()) return std::nullopt;
  if (scanner.Take("e") || scanner.Take("E")) {
    const int sign = scanner.TakeSign();
    const std::string_view exponent = scanner.TakeAll(kDigits);
    if (exponent.empty()) return std::nullopt;
    decimal.exponent += sign * ReadExponent(exponent);
  }
  if (!scanner.AtEnd()) return std::nullopt;
  return decimal;
}

// Correctly rounded; infinity where it overflows.
double ValueOf(const Decimal& decimal) {
  const std::string text = fmt::format("{}e{}", decimal.digits, decimal.exponent);
  double value = 0;
  const std::from_chars_result read =
      std::from_chars(text.data(), text.data() + text.size(), value);
  // Too large or too small: as the digits are a whole number, their exponent tells which.
  if (read.ec != std::errc()) value = decimal.exponent < 0 ? 0 : HUGE_VAL;
  return decimal.sign * value;
}

int CountSignificantDigits(const Decimal& decimal) {
  const size_t first = std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size());
  return static_cast<int>(decimal.digits.size() - first);
}

struct Fraction {
  double numerator;
  double denominator;
};

std::optional<Fraction> ScanFraction(std::string_view text) {
  Scanner scanner(text);
  const int sign = scanner.TakeSign();
  const std::string_view numerator = scanner.TakeAll(kDigits);
  scanner.TakeAll(kBlanks);
  if (!scanner.Take("/")) return std::nullopt;
  scanner.TakeAll(kBlanks);
  const std::string_view denominator = scanner.TakeAll(kDigits);
  if (numerator.empty() || denominator.empty() || !scanner.AtEnd()) return std::nullopt;
  return Fraction{ValueOf({sign, std::string(numerator), 0}),
                  ValueOf({1, std::string(denominator), 0})};
}

// Does a decimal comma look like the only thing that is wrong?
bool HasDecimalComma(std::string_view text) {
  return ScanDecimal(text, /*decimal_comma=*/true).has_value();
}

// Digits in groups of three, as in "1 234", "1,234.5" or "1'234'567"?
bool HasThousandsSeparators(std::string_view text) {
  Scanner scanner(text);
  scanner.TakeSign();
  if (scanner.TakeAll(kDigits).empty()) return false;
  const std::string_view separator = scanner.TakeGroupSeparator();
  if (separator.empty()) return false;
  do {
    if (scanner.TakeAll(kDigits).size() != 3) return false;
  } while (scanner.Take(separator));
  if (scanner.Take(".") || scanner.Take(",")) scanner.TakeAll(kDigits);
  return scanner.AtEnd();
}

NumberText Problem(std::string problem) { return {std::nullopt, 0, std::move(problem)}; }

NumberText Problem(std::string_view text, std::string_view what) {
  return Problem(fmt::format("'{}' {}", Printable(text, kMaxNumberBytes), what));
}

}  // namespace

NumberText ReadNumber(std::string_view text, bool decimal_comma) {
  text = Trim(text);
  if (text.empty()) return Problem("there is no number");
  if (text.size() > kMaxNumberBytes) {
    return Problem(text, fmt::format("is longer than {} characters", kMaxNumberBytes));
  }
  const std::string plain = WithPlainMinus(text);
  if (const std::optional<Fraction> fraction = ScanFraction(plain); fraction.has_value()) {
    if (fraction->denominator == 0) return Problem(text, "is a division by 0");
    return {WrittenNumber{fraction->numerator / fraction->denominator, 0}, 0, ""};
  }
  if (const std::optional<Decimal> decimal = ScanDecimal(plain, decimal_comma);
      decimal.has_value()) {
    const WrittenNumber number = {ValueOf(*decimal), PlaceValue(decimal->exponent)};
    if (!std::isfinite(number.value) || !std::isfinite(number.unit)) {
      return Problem(text, "is too large a number");
    }
    return {number, CountSignificantDigits(*decimal), ""};
  }
  if (HasDecimalComma(plain)) {
    return Problem(text, "is not a number: write a decimal point, not a comma");
  }
  if (HasThousandsSeparators(plain)) {
    return Problem(text, "is not a number: thousands separators are not read, write 1234.5");
  }
  return Problem(text, "is not a number");
}

}  // namespace gradus
