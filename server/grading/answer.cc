#include "server/grading/answer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "server/engine/quantity.h"
#include "server/grading/digits.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

// From so many significant digits on, a number came from a machine.
constexpr int kMachineDigits = 8;
// Digits of a double that are looked at where there is no text. The last ones would be noise: 0.3
// is 0.30000000000000004 when it is the sum of 0.1 and 0.2.
constexpr int kTrustedDigits = 12;

constexpr std::string_view kLooksSummed = ": it looks summed over the first axis, the batch";

using Lengths = std::span<const int64_t>;

ReadAnswer Malformed(std::string problem) { return {{}, std::move(problem)}; }

std::string Described(Lengths lengths) {
  if (lengths.empty()) return "one number";
  return fmt::format("shape [{}]", fmt::join(lengths.begin(), lengths.end(), ", "));
}

bool Equal(Lengths a, Lengths b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

bool HasOneElement(Lengths lengths) {
  return std::all_of(lengths.begin(), lengths.end(), [](int64_t length) { return length == 1; });
}

bool Fits(Lengths given, Lengths wanted) {
  return Equal(given, wanted) || (HasOneElement(given) && HasOneElement(wanted));
}

std::vector<int64_t> WithoutOnes(Lengths lengths) {
  std::vector<int64_t> others;
  std::copy_if(lengths.begin(), lengths.end(), std::back_inserter(others),
               [](int64_t length) { return length != 1; });
  return others;
}

// With the axis gone, or kept with length 1. A vector's only axis need not be a batch.
bool IsSummedOverFirstAxis(Lengths given, Lengths wanted) {
  if (wanted.size() < 2 || wanted[0] == 1) return false;
  const bool is_kept = given.size() == wanted.size() && given[0] == 1;
  return Equal(is_kept ? given.subspan(1) : given, wanted.subspan(1));
}

// What may have happened to a shape that does not fit; empty if it looks like nothing we know.
std::string_view ShapeMistake(Lengths given, const Shape& shape) {
  const Lengths wanted = shape.lengths();
  if (std::is_permutation(given.begin(), given.end(), wanted.begin(), wanted.end())) {
    return ": it looks transposed";
  }
  if (given.size() != wanted.size() && WithoutOnes(given) == WithoutOnes(wanted)) {
    return given.size() > wanted.size() ? ": it has an extra axis of length 1"
                                        : ": it lacks an axis of length 1";
  }
  if (given.size() == 1 && given[0] == shape.element_count()) return ": it looks flattened";
  if (IsSummedOverFirstAxis(given, wanted)) return kLooksSummed;
  return "";
}

ReadAnswer ShapeMismatch(Lengths given, const Shape& wanted) {
  return Malformed(fmt::format("the answer has {}, the item has {}{}", Described(given),
                               wanted.rank() == 0 ? "one number" : wanted.ToString(),
                               ShapeMistake(given, wanted)));
}

// Does a count of numbers without a shape look like that? One number says nothing of how it came
// about.
bool IsCountOfSumOverFirstAxis(int64_t given, const Shape& wanted) {
  return given > 1 && wanted.rank() > 1 && wanted[0] > 1 &&
         given == wanted.Slice(1, wanted.rank()).element_count();
}

// "element [1,0]: " before a problem; nothing where there is one element only.
std::string Place(int64_t position, const Shape& shape) {
  if (shape.element_count() == 1) return "";
  return FormatElement("element ", shape, position) + ": ";
}

// Adds the next element, or its problem if it is the first one.
void Append(std::optional<WrittenNumber> number, std::string_view problem, const Shape& shape,
            ReadAnswer* answer) {
  if (!number.has_value() && answer->problem.empty()) {
    const int64_t position = static_cast<int64_t>(answer->values.size());
    answer->problem = Place(position, shape).append(problem);
  }
  answer->values.push_back(number);
}

void MakeExact(ReadAnswer* answer) {
  for (std::optional<WrittenNumber>& number : answer->values) {
    if (number.has_value()) number->unit = 0;
  }
}

// Digits of a number without text.
SignificantDigits DigitsOf(double x) {
  if (std::abs(x) <= std::numeric_limits<float>::max() &&
      static_cast<double>(static_cast<float>(x)) == x) {
    // 0.13 in float32 is 0.12999999523162842 as a double, and still shows two digits.
    return ShortestDigits(static_cast<float>(std::abs(x)));
  }
  return RoundedDigits(std::abs(x), kTrustedDigits);
}

// Gives the numbers of an answer without text the units that the declared digits say.
void Declare(const v1::RequiredDigits& declared, ReadAnswer* answer) {
  double largest = 0;
  for (const std::optional<WrittenNumber>& number : answer->values) {
    if (number.has_value()) largest = std::max(largest, std::abs(number->value));
  }
  const std::optional<double> unit = UnitOf(declared, largest);
  if (!unit.has_value()) return;
  for (std::optional<WrittenNumber>& number : answer->values) {
    if (!number.has_value()) continue;
    const SignificantDigits shown = DigitsOf(number->value);
    if (shown.count >= kMachineDigits) return MakeExact(answer);
    number->unit = shown.count == 0 ? *unit : std::min(*unit, PlaceValue(shown.last_place));
  }
}

ReadAnswer ReadTensorAnswer(const v1::Tensor& tensor, const Shape& wanted,
                            const v1::RequiredDigits& declared) {
  // No limit: its numbers are here already, and a shape that promises more is malformed.
  const absl::StatusOr<Shape> shape = ReadShape(tensor, std::numeric_limits<int64_t>::max());
  if (!shape.ok()) return Malformed(std::string(shape.status().message()));
  if (!Fits(shape->lengths(), wanted.lengths())) return ShapeMismatch(shape->lengths(), wanted);
  const Tensor<double> numbers = *ReadValues<double>(tensor, *shape, NonFinite::kAllow);
  ReadAnswer answer;
  for (const double x : numbers.values()) {
    if (std::isfinite(x)) {
      Append(WrittenNumber{x, 0}, "", wanted, &answer);
    } else {
      Append(std::nullopt, fmt::format("{} is not a finite number", x), wanted, &answer);
    }
  }
  Declare(declared, &answer);
  return answer;
}

ReadAnswer ReadTextAnswer(const v1::TextTensor& text, const Shape& wanted, bool decimal_comma) {
  if (text.shape_size() > Shape::kMaxRank) {
    return Malformed(fmt::format("the answer has {} axes, a tensor has at most {}",
                                 text.shape_size(), Shape::kMaxRank));
  }
  const Lengths given(text.shape().data(), static_cast<size_t>(text.shape_size()));
  if (!given.empty() && !Fits(given, wanted.lengths())) return ShapeMismatch(given, wanted);
  if (text.values_size() != wanted.element_count()) {
    const bool is_summed = given.empty() && IsCountOfSumOverFirstAxis(text.values_size(), wanted);
    return Malformed(fmt::format("the answer has {} number{}, the item has {}{}",
                                 text.values_size(), text.values_size() == 1 ? "" : "s",
                                 wanted.element_count(), is_summed ? kLooksSummed : ""));
  }
  ReadAnswer answer;
  bool from_machine = false;
  for (const std::string& value : text.values()) {
    const NumberText read = ReadNumber(value, decimal_comma);
    Append(read.number, read.problem, wanted, &answer);
    from_machine = from_machine || read.significant_digits >= kMachineDigits;
  }
  if (from_machine) MakeExact(&answer);
  return answer;
}

}  // namespace

ReadAnswer ReadAnswerFor(const v1::Answer& answer, const Shape& shape, const ReadOptions& options) {
  switch (answer.answer_case()) {
    case v1::Answer::kTensor:
      return ReadTensorAnswer(answer.tensor(), shape, options.declared);
    case v1::Answer::kText:
      return ReadTextAnswer(answer.text(), shape, options.decimal_comma);
    case v1::Answer::kFormula:
      return Malformed("a formula is not read as a number");
    default:
      return Malformed("the answer is empty");
  }
}

}  // namespace gradus
