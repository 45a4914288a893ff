#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "server/kernels/strided_cursor.h"
#include "server/kernels/sum_of_products.h"
#include "server/ops/op.h"
#include "server/ops/shape_attribute.h"
#include "server/status/field_error.h"
#include "server/status/text.h"

namespace gradus {
namespace {

// "ij,jk->ik" taken apart: the letters of each operand, and last those of the output.
using Terms = std::vector<std::string>;

absl::Status EquationError(Reason reason, std::string description) {
  return FieldError("einsum.equation", reason, std::move(description));
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

absl::StatusOr<std::string> ParseTerm(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (c == ' ') continue;
    if (!IsLetter(c)) {
      return EquationError(
          Reason::kInvalidValue,
          fmt::format("term '{}' has something that is no letter", Printable(text, 60)));
    }
    if (letters.find(c) != std::string::npos) {
      return EquationError(Reason::kInvalidValue,
                           fmt::format("letter {} is twice in term '{}'", c, Printable(text, 60)));
    }
    letters += c;
  }
  return letters;
}

absl::StatusOr<Terms> Parse(std::string_view text, size_t operand_count) {
  constexpr std::string_view kArrow = "->";
  const size_t arrow = text.find(kArrow);
  if (arrow == std::string_view::npos) {
    return EquationError(Reason::kInvalidValue, fmt::format("'{}' has no ->", Printable(text, 60)));
  }
  std::string_view left = text.substr(0, arrow);
  // Before anything is made for each of them.
  const auto term_count = static_cast<size_t>(std::count(left.begin(), left.end(), ',')) + 1;
  if (term_count != operand_count) {
    return EquationError(
        Reason::kShapeMismatch,
        fmt::format("{} term{} before the arrow, {} operand{}", term_count,
                    term_count == 1 ? "" : "s", operand_count, operand_count == 1 ? "" : "s"));
  }
  Terms terms;
  for (size_t i = 0; i < term_count; ++i) {
    const size_t end = std::min(left.find(','), left.size());
    absl::StatusOr<std::string> term = ParseTerm(left.substr(0, end));
    if (!term.ok()) return term.status();
    terms.push_back(*std::move(term));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  absl::StatusOr<std::string> output = ParseTerm(text.substr(arrow + kArrow.size()));
  if (!output.ok()) return output.status();
  terms.push_back(*std::move(output));
  return terms;
}

constexpr size_t kLetterEnd = 'z' + 1;
size_t IndexOf(char letter) { return static_cast<unsigned char>(letter); }

// What each letter stands for.
class Letters {
 public:
  // The length of a letter, 0 until it is set.
  int64_t& operator[](char letter) { return lengths_[IndexOf(letter)]; }
  int64_t operator[](char letter) const { return lengths_[IndexOf(letter)]; }

  // How many products are summed up, in all: the lengths multiplied.
  std::optional<int64_t> ProductCount() const {
    std::vector<int64_t> lengths;
    for (const int64_t length : lengths_) {
      if (length > 0) lengths.push_back(length);
    }
    return CheckedElementCount(lengths, std::numeric_limits<int64_t>::max());
  }

 private:
  std::array<int64_t, kLetterEnd> lengths_ = {};
};

// One loop for every letter, over all products; the sum goes wherever the last of the terms says.
struct Einsum : OpBase {
  static constexpr auto kCase = v1::Node::kEinsum;
  static constexpr std::string_view kFormula =
      "y = product of the operands, summed over the letters that y lacks";
  static constexpr std::string_view kVjp =
      "grad of each = product of u and the other operands, summed over the letters that it lacks";
  static constexpr std::string_view kOperands[] = {"input"};
  static constexpr bool kVariadic = true;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const absl::StatusOr<Terms> terms = Parse(call.node.einsum().equation(), call.operands.size());
    if (!terms.ok()) return terms.status();
    const absl::StatusOr<Letters> letters = Measure(*terms, call.operands);
    if (!letters.ok()) return letters.status();
    const std::string& output = terms->back();
    for (const char letter : output) {
      if ((*letters)[letter] == 0) {
        return EquationError(Reason::kInvalidValue,
                             fmt::format("letter {} of the output is in no operand", letter));
      }
    }
    const auto rank = static_cast<int64_t>(output.size());
    if (absl::Status s = CheckOutputRank(rank, "einsum.equation"); !s.ok()) return s;
    if (!letters->ProductCount().has_value()) {
      return EquationError(Reason::kLimitExceeded,
                           "the lengths of all letters multiply to 2^63 or more");
    }
    Shape shape;
    for (const char letter : output) shape.Append((*letters)[letter]);
    return shape;
  }

  // A number of one product, or of its place in the loops, counts 4; the gradient of each operand
  // needs all of it again. And each of them reads the equation.
  static double Flops(const ShapeCall& call, const Shape&) {
    const std::string& text = call.node.einsum().equation();
    const auto operands = static_cast<double>(call.operands.size());
    const Terms terms = *Parse(text, call.operands.size());
    const Letters letters = *Measure(terms, call.operands);
    return operands * (4 * (operands + 1) * static_cast<double>(*letters.ProductCount()) +
                       static_cast<double>(text.size()));
  }

  // A loop per letter, with a stride for each operand; and the terms.
  static double Scratch(const ShapeCall& call, const Shape&) {
    constexpr double kPerOperand = 2 * 26 + 12;
    return kPerOperand * (static_cast<double>(call.operands.size()) + 1);
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    std::vector<const Tensor<T>*> factors(call.operands.begin(), call.operands.end());
    AddSum(*Parse(call.node.einsum().equation(), factors.size()), factors, output);
  }

  // The upstream takes the place of the operand, and the gradient that of the output.
  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    const auto p = static_cast<size_t>(position);
    std::vector<const Tensor<T>*> factors(call.operands.begin(), call.operands.end());
    Terms terms = *Parse(call.node.einsum().equation(), factors.size());
    std::swap(terms[p], terms.back());
    factors[p] = &call.upstream;
    AddSum(terms, factors, gradient);
  }

 private:
  static absl::StatusOr<Letters> Measure(const Terms& terms, std::span<const Shape> operands) {
    Letters letters;
    for (size_t i = 0; i < operands.size(); ++i) {
      const std::string& term = terms[i];
      const Shape& operand = operands[i];
      if (term.size() != static_cast<size_t>(operand.rank())) {
        return EquationError(
            Reason::kShapeMismatch,
            fmt::format("term '{}' does not name the axes of operand {} (shape {})", term, i,
                        operand.ToString()));
      }
      for (int axis = 0; axis < operand.rank(); ++axis) {
        const char letter = term[static_cast<size_t>(axis)];
        if (letters[letter] != 0 && letters[letter] != operand[axis]) {
          return EquationError(
              Reason::kShapeMismatch,
              fmt::format("letter {} has length {}, and {} in operand {} (shape {})", letter,
                          letters[letter], operand[axis], i, operand.ToString()));
        }
        letters[letter] = operand[axis];
      }
    }
    return letters;
  }

  template <class T>
  static void AddSum(const Terms& terms, const std::vector<const Tensor<T>*>& factors,
                     Tensor<T>& sum) {
    std::vector<Loop> loops;
    // The loop of each letter; none yet, or none needed as the length is 1, is -1.
    std::array<int, kLetterEnd> loop_of;
    loop_of.fill(-1);
    // The letters of the sum come first, so that the others add up in one go.
    for (size_t i = 0; i <= factors.size(); ++i) {
      const bool is_sum = i == 0;
      const std::string& term = is_sum ? terms.back() : terms[i - 1];
      const Shape& shape = is_sum ? sum.shape() : factors[i - 1]->shape();
      const Strides strides = RowMajorStrides(shape);
      for (int axis = 0; axis < shape.rank(); ++axis) {
        if (shape[axis] == 1) continue;
        int& loop = loop_of[IndexOf(term[static_cast<size_t>(axis)])];
        if (loop < 0) {
          loop = static_cast<int>(loops.size());
          loops.push_back({shape[axis], std::vector<int64_t>(factors.size() + 1)});
        }
        std::vector<int64_t>& in_loop = loops[static_cast<size_t>(loop)].strides;
        in_loop[is_sum ? factors.size() : i - 1] = strides[static_cast<size_t>(axis)];
      }
    }
    std::vector<const T*> data;
    for (const Tensor<T>* factor : factors) data.push_back(factor->data());
    SumOfProductsAdd<T>(loops, data, sum.data());
  }
};

}  // namespace

const Op& EinsumOp() { return OpOf<Einsum>(); }

}  // namespace gradus
