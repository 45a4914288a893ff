#ifndef GRADUS_TESTS_SUPPORT_SECRET_HOMEWORK_H_
#define GRADUS_TESTS_SUPPORT_SECRET_HOMEWORK_H_

#include <map>
#include <string>
#include <vector>

#include "gradus/v1/assignment.pb.h"
#include "gradus/v1/grade.pb.h"
#include "server/grading/assignment.h"
#include "tests/support/random.h"

namespace gradus::testing {

// Homework with random numbers, and papers of every kind, to see what a report tells of the key.

// What two assignments with different numbers may have in common.
struct Structure {
  int64_t rows = 0;  // examples in the batch; 0: one example, a list of numbers
  int64_t inputs = 1;
  int64_t hidden = 1;
  int64_t outputs = 1;
  bool is_tanh = false;
  bool has_shared_bias = false;
};
Structure DrawStructure(Random& random);

// A network of two dense nodes with random numbers, of which every quantity is asked for: whole
// ones, elements, and two formulas. All numbers are doubles with all their digits. Its feedback
// level is VALUES, for callers to ask for less.
v1::Assignment DrawAssignment(const Structure& structure, Random& random);

CompiledAssignment Compiled(const v1::Assignment& assignment);

// All numbers of the assignment's problem, by address; those in `pins` are as given there, and what
// follows is computed from them.
using Numbers = std::map<std::string, std::vector<double>>;
Numbers NumbersOf(const v1::Assignment& assignment, const Numbers& pins = {});

// How an item is answered.
enum class AnswerKind {
  kRight,           // from a program, with all digits
  kRightByHand,     // with six decimals
  kWrong,           // every element by a half or more
  kPartlyWrong,     // the first element only
  kWrongFewDigits,  // by one or more, with one decimal
  kNoNumber,
  kNotFinite,
  kEmpty,
  kTwice,
  kWrongShape,
  kMissing,
  kRightFormula,  // where one is known, else missing
  kWrongFormula,  // of the same names for all numbers
  kUnreadableFormula,
  kFormulaOfLater,
  kFormulaWithoutValue,  // no finite one, whatever the numbers
};
inline constexpr int kAnswerKinds = 16;

// One kind for each item.
using Pattern = std::vector<AnswerKind>;
Pattern DrawPattern(const v1::Assignment& assignment, Random& random);

// A paper that answers by a pattern, and something that nobody asked for. The numbers of what is
// wrong are drawn.
v1::Submission PaperOf(const CompiledAssignment& assignment, const Pattern& pattern,
                       Random& random);

// A mistake of the catalogue: what it makes of one quantity.
struct SampleMistake {
  std::string code;
  std::string quantity;
  std::vector<double> (*made_of)(const v1::Assignment& assignment, const Numbers& truth);
};
const std::vector<SampleMistake>& SampleMistakes();

// A paper with this mistake, on which all that follows is computed from it.
v1::Submission PaperWith(const SampleMistake& mistake, const v1::Assignment& assignment,
                         const CompiledAssignment& compiled, bool is_by_hand);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_SECRET_HOMEWORK_H_
