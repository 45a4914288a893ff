#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "server/grading/formula.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/target.h"

namespace gradus::testing {
namespace {

// By ValueId: names and how many elements they have.
struct Known {
  std::string_view name;
  int64_t size;
};
constexpr Known kKnown[] = {{"x", 1}, {"h", 3}, {"W1", 4}, {"max", 1}, {"late", 1}};

absl::StatusOr<Target> Locate(const Address& address) {
  for (int i = 0; i < static_cast<int>(std::size(kKnown)); ++i) {
    if (kKnown[i].name != address.name) continue;
    Target target = {{address.kind, i}, address.updates, std::nullopt};
    if (!address.is_element) return target;
    const int64_t element = address.indices.empty() ? 0 : address.indices.front();
    if (element < 0 || element >= kKnown[i].size) return absl::InvalidArgumentError("no element");
    target.element = element;
    return target;
  }
  return absl::InvalidArgumentError("no such quantity");
}

}  // namespace

void FuzzFormula(std::string_view input) {
  const std::map<std::string, Target, std::less<>> symbols = {
      {"δ4", {{QuantityKind::kGradient, 0}, 0, 0}},
      {"dL/dw5", {{QuantityKind::kValue, 2}, 0, 1}},
      {"w1[3]", {{QuantityKind::kValue, 2}, 0, 2}},
      {"σ'(z1)", {{QuantityKind::kValue, 2}, 0, 3}},
      {"all", {{QuantityKind::kValue, 2}, 0, std::nullopt}}};
  const FormulaNames names = {
      symbols, &Locate,
      [](const Target& target) {
        return target.quantity.value == 4 ? absl::InvalidArgumentError("it comes later")
                                          : absl::OkStatus();
      },
      [](const Target& target) { return kKnown[target.quantity.value].size; }};

  const absl::StatusOr<Formula> formula = Formula::Parse(input, names);
  if (!formula.ok()) return RequireUtf8(formula.status().ToString(), input);
  Require(formula->variables().size() <= 64, "a formula names at most 64 quantities");
  for (const double scale : {0.0, 0.7, -3.0, 1e300}) {
    std::vector<double> values;
    for (size_t i = 0; i < formula->variables().size(); ++i) {
      Require(formula->variables()[i].element.has_value(), "a variable is one element");
      values.push_back(scale * static_cast<double>(i + 1));
    }
    const double value = formula->Evaluate(values);
    const double again = formula->Evaluate(values);
    Require(std::memcmp(&value, &again, sizeof(value)) == 0, "the same numbers make the same");
    const double half_width = formula->HalfWidth(values, std::vector<double>(values.size(), 0.05));
    Require(std::isnan(half_width) || half_width >= 0, "a half width is not negative");
  }
}

}  // namespace gradus::testing
