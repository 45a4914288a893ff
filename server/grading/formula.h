#ifndef GRADUS_SERVER_GRADING_FORMULA_H_
#define GRADUS_SERVER_GRADING_FORMULA_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "server/engine/plan.h"
#include "server/engine/quantity.h"

namespace gradus {

// What the names in a formula mean.
struct FormulaNames {
  // The symbols of the problem; each means one element, or a whole quantity. A symbol that begins
  // with a digit, or with what is an operator, is never seen.
  const std::map<std::string, Target, std::less<>>& symbols;
  // What an address means, or an error whose message says why it means nothing.
  std::function<absl::StatusOr<Target>(const Address&)> locate;
  // An error, whose message says why, for a quantity that may not be named here. Called once for
  // each variable.
  std::function<absl::Status(const Target&)> check;
  // Number of elements of a target's quantity.
  std::function<int64_t(const Target&)> element_count;
};

// A formula for one number, as a person wrote it. The grammar is at Answer.formula (grade.proto);
// what that leaves open:
//
// * At each place the longest symbol that stands there as a whole wins: before functions, and
//   before addresses. "x" does not stand in "x1", "x[0]" or "x@1".
// * A product without a sign binds like one with it, so "1/2 x" is x/2. It needs no blank where
//   what it joins is apart without one: "2x", "2(3)", "(a)(b)", "w1[3]a1[2]". But two numbers in a
//   row are refused: "1 000" is not meant as 1 * 0.
// * "ln" is another name of log. "²" and "³" are powers; "×", "·" and "⋅" are products; U+2212 is a
//   minus.
// * "^" binds closer than a sign before it, "-x^2" is -(x^2), and to the right: "2^3^2" is 2^9.
// * min and max take 1 to 8 arguments.
//
// A formula names at most 64 different quantities. Together with its length and depth that bounds
// the time for reading and for evaluating it.
//
// Immutable; a copy is cheap. Safe from any thread, but evaluations of one formula and its copies
// wait for each other.
class Formula {
 public:
  // Reads a formula. An error is INVALID_ARGUMENT; its message is for whoever wrote the formula,
  // quotes what is wrong and says at which column, in characters from 1. It has no field.
  static absl::StatusOr<Formula> Parse(std::string_view text, const FormulaNames& names);
  // The formula that is just this number.
  static Formula OfQuantity(const Target& target);

  // The numbers that the formula needs, each once, in the order in which it first names them.
  // `element` is set.
  std::span<const Target> variables() const { return variables_; }

  // The value for one number per variable; NaN or infinite where mathematics has none or a double
  // cannot hold it.
  double Evaluate(std::span<const double> values) const;

  // Half width, to first order, of the result where each value is only known to within a half
  // width, 0 or more: the sum of what each of them can move. NaN or infinite where that cannot be
  // told, as at the edge of the domain.
  double HalfWidth(std::span<const double> values, std::span<const double> half_widths) const;

 private:
  class Program;

  Formula(std::vector<Target> variables, std::shared_ptr<Program> program)
      : variables_(std::move(variables)), program_(std::move(program)) {}

  std::vector<Target> variables_;
  std::shared_ptr<Program> program_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_FORMULA_H_
