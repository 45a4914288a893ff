#ifndef GRADUS_TESTS_GRADING_TRIALS_STUDENT_H_
#define GRADUS_TESTS_GRADING_TRIALS_STUDENT_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/v1/grade.pb.h"
#include "server/grading/compiled_problem.h"
#include "tests/support/random.h"

namespace gradus::testing {

// The decimals that the assignments of the trials require.
inline constexpr int kRequiredDecimals = 3;

enum class Arithmetic { kFloat64, kFloat32, kByHand };
enum class Rounding { kHalfUp, kHalfDown, kHalfEven, kTowardsZero };

// How a student works.
struct Style {
  std::string_view name;
  Arithmetic arithmetic = Arithmetic::kByHand;
  // The rest is for work by hand only.
  Rounding rounding = Rounding::kHalfEven;
  // Goes on with the unrounded number and not with the one that is written.
  bool uses_unrounded = false;
  // Rounds the products in a line before adding them up.
  bool rounds_products = false;
  // A line has from kRequiredDecimals to so many decimals.
  int most_decimals = kRequiredDecimals;
  // Hands in only some of the lines; what is not handed in is rounded all the same.
  bool hands_in_a_part = false;
};

// Where a student is in a calculation: all that is known before a quantity, and what follows for
// it.
struct Spot {
  const CompiledProblem& problem;
  int update;
  const Quantity& quantity;
  const World<double>& world;
  const Tensor<double>& right;
  Random& random;

  const Graph& graph() const { return problem.graph(); }
};

// A mistake that is made on purpose. Written for itself, not with the code that recognises it.
struct PlantedMistake {
  // What grading calls it.
  std::string_view code;
  // What is made of the right numbers; nullopt where it cannot be made.
  std::optional<Tensor<double>> (*apply)(const Spot&);
  // Only what is written is wrong; the work goes on with the right numbers.
  bool is_slip = false;
  bool needs_decimals = false;
};

// A mistake and its place.
struct Plant {
  const PlantedMistake* mistake;
  int update;
  Quantity quantity;
};

struct Line {
  std::string address;
  Tensor<double> numbers;
  int decimals = 0;  // of work by hand
};

// What a student hands in, in the order of computation.
struct Work {
  Arithmetic arithmetic;
  std::vector<Line> lines;
};

// Works a problem out, every line from the ones before it. nullopt if a planted mistake cannot be
// made in its place, or makes no difference that one should see: 10 units of the last required
// decimal, or a thousandth of the largest number; or if it comes to what is no number, or one that
// nobody writes by hand. The lines of planted mistakes are always handed in.
std::optional<Work> WorkOut(const CompiledProblem& problem, const Style& style, Random& random,
                            std::span<const Plant> plants);

v1::Submission Submit(const Work& work);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_GRADING_TRIALS_STUDENT_H_
