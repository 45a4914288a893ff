#include <cmath>
#include <cstdlib>
#include <string>

#include "absl/strings/str_replace.h"

#include "server/grading/written_number.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/target.h"

namespace gradus::testing {
namespace {

// What the C library makes of a decimal, once it is spelled as in C.
double ByStrtod(const std::string& text) {
  const std::string in_c = absl::StrReplaceAll(text, {{"\u2212", "-"}, {",", "."}});
  return std::strtod(in_c.c_str(), nullptr);
}

}  // namespace

void FuzzNumber(std::string_view input) {
  for (const bool decimal_comma : {false, true}) {
    const NumberText read = ReadNumber(input, decimal_comma);
    Require(read.number.has_value() == read.problem.empty(), "a number, or else a problem");
    RequireUtf8(read.problem, input);
    if (!read.number.has_value()) continue;
    Require(std::isfinite(read.number->value), "a number is finite");
    Require(std::isfinite(read.number->unit) && read.number->unit >= 0, "a unit is finite");
    Require(read.significant_digits >= 0, "digits are not negative");
    if (input.find('/') != std::string_view::npos) {
      Require(read.number->unit == 0, "a fraction is exact");
    } else if (read.number->value != 0) {
      Require(read.number->value == ByStrtod(std::string(input)), "the C library reads the same");
    }
  }
}

}  // namespace gradus::testing
