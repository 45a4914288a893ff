#ifndef GRADUS_TESTS_OPS_OP_CASES_H_
#define GRADUS_TESTS_OPS_OP_CASES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/checking/tolerance.h"
#include "server/tensor/shape.h"
#include "server/tensor/tensor.h"
#include "tests/support/random.h"

namespace gradus::testing {

// Makes the numbers of an operand. They stay off the edges of what the op is defined for, and off
// its kinks, by more than the oracle's largest step (numeric_gradient.h).
using Domain = std::function<Tensor<double>(const Shape&, Random&)>;

// -2 to 2.
Domain AnyReal();
// Magnitude 0.1 to 2, either sign: for ops with a kink at 0.
Domain AwayFromZero();
// Magnitude `low` to `high`, either sign. Two operands with other magnitudes are never equal.
Domain Magnitudes(double low, double high);
// -2 to 2, at least 0.05 from each kink.
Domain AwayFrom(std::vector<double> kinks);
// -2 to 2, all different, by more than 0.02 if there are no more than 100: for ops that choose
// among the elements of one operand.
Domain Distinct();
// 0.5 to 2.
Domain Positive();
// 0.05 to 0.95, each for itself: along an axis they do not add up to 1.
Domain Probabilities();
// Positive, adding up to 1 along the last axis.
Domain Distributions();
// One 1 along the last axis, else 0.
Domain OneHot();
// Whole numbers from 0 to count - 1.
Domain ClassIndices(int64_t count);
// The same, but every second one is `ignored`.
Domain ClassIndicesOr(int64_t count, int64_t ignored);
// A whole number from -2 to 1 plus a fraction from `low` to `high`: for ops whose kinks depend on
// several operands.
Domain OffGrid(double low, double high);
// From `low` to `high`.
Domain Between(double low, double high);
// -1 or 1.
Domain Signs();

// True for what AnyReal and AwayFromZero return.
bool IsAnyReal(const Domain& domain);
bool IsAwayFromZero(const Domain& domain);

// One row of the table: an op with its attributes, for operands of given shapes.
struct OpCase {
  // What stands for the op in the text of a Node: "softmax { axis: 0 }".
  std::string op;
  // Shapes of the operands by position.
  std::vector<Shape> operands;
  // Shape of the output. Unset: whatever the op infers, for ops that keep their operand's shape.
  std::optional<Shape> output = std::nullopt;
  // Of each operand by position; the last one counts for all that follow.
  std::vector<Domain> domains = {AnyReal()};
  // Of a gradient against the oracle; the absolute part is in units of the gradient's largest
  // element.
  Tolerance tolerance = {1e-9, 1e-10};
};

// The table. Adding an op adds a row; op_gradient_test.cc does the rest.
const std::vector<OpCase>& AllOpCases();

// Numbers for the operands of a row.
std::vector<Tensor<double>> DrawOperands(const OpCase& op_case, Random& random);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_OPS_OP_CASES_H_
