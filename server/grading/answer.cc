#include "server/grading/answer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

constexpr size_t kMaxNumberLength = 64;

ReadAnswer Malformed(std::string problem) { return {{}, std::move(problem)}; }

bool Fits(const Shape& given, const Shape& wanted) {
  return given == wanted || (given.element_count() == 1 && wanted.element_count() == 1);
}

ReadAnswer ShapeMismatch(const std::string& given, const Shape& wanted) {
  return Malformed(fmt::format("the answer has shape {}, the item has {}", given,
                               wanted.rank() == 0 ? "one number" : wanted.ToString()));
}

ReadAnswer ReadTensorAnswer(const v1::Tensor& tensor, const Shape& wanted) {
  // No limit: its numbers are here already, and a shape that promises more is malformed.
  const absl::StatusOr<Shape> shape = ReadShape(tensor, std::numeric_limits<int64_t>::max());
  if (!shape.ok()) return Malformed(std::string(shape.status().message()));
  if (!Fits(*shape, wanted)) return ShapeMismatch(shape->ToString(), wanted);
  const Tensor<double> numbers = *ReadValues<double>(tensor, *shape, NonFinite::kAllow);
  ReadAnswer answer;
  for (const double x : numbers.values()) {
    if (std::isfinite(x)) {
      answer.values.emplace_back(x);
    } else {
      answer.values.emplace_back(std::nullopt);
      answer.problem = fmt::format("{} is not a finite number", x);
    }
  }
  return answer;
}

ReadAnswer ReadTextAnswer(const v1::TextTensor& text, const Shape& wanted) {
  const int64_t count = text.values_size();
  if (text.shape_size() > 0) {
    const auto lengths = wanted.lengths();
    const bool same =
        std::equal(text.shape().begin(), text.shape().end(), lengths.begin(), lengths.end());
    const bool both_one =
        wanted.element_count() == 1 && std::all_of(text.shape().begin(), text.shape().end(),
                                                   [](int64_t length) { return length == 1; });
    if (!same && !both_one) {
      return ShapeMismatch(
          fmt::format("[{}]", fmt::join(text.shape().begin(), text.shape().end(), ", ")), wanted);
    }
  }
  if (count != wanted.element_count()) {
    return Malformed(
        fmt::format("the answer has {} numbers, the item has {}", count, wanted.element_count()));
  }
  ReadAnswer answer;
  for (const std::string& value : text.values()) {
    answer.values.push_back(ParseNumber(value));
    if (!answer.values.back().has_value()) {
      answer.problem = fmt::format("'{}' is not a number", value.substr(0, kMaxNumberLength));
    }
  }
  return answer;
}

}  // namespace

ReadAnswer ReadAnswerFor(const v1::Answer& answer, const Shape& shape) {
  switch (answer.answer_case()) {
    case v1::Answer::kTensor:
      return ReadTensorAnswer(answer.tensor(), shape);
    case v1::Answer::kText:
      return ReadTextAnswer(answer.text(), shape);
    case v1::Answer::kFormula:
      return Malformed("formulas are not read yet; answer with a number");
    default:
      return Malformed("the answer is empty");
  }
}

std::optional<double> ParseNumber(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.size() > kMaxNumberLength) return std::nullopt;
  // from_chars knows neither a leading plus nor that people do not mean "inf", "nan" or
  // hexadecimals.
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  if (text.find_first_not_of("0123456789.-+eE") != std::string_view::npos) return std::nullopt;
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number);
  // What is too small for a double is 0; what is too large is no number that could be right.
  const bool tiny =
      error == std::errc::result_out_of_range &&
      (text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos);
  if (parsed != end || (error != std::errc() && !tiny)) return std::nullopt;
  return tiny ? 0 : number;
}

}  // namespace gradus
