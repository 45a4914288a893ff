#ifndef GRADUS_SERVER_GRADING_WRONG_ANSWERS_H_
#define GRADUS_SERVER_GRADING_WRONG_ANSWERS_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "server/engine/world.h"
#include "server/grading/assignment.h"
#include "server/grading/compiled_problem.h"
#include "server/tensor/tensor.h"

namespace gradus {

// A way to fill in a whole paper wrongly.
struct WrongPaper {
  // Stable identifier in snake_case, and the same in words, as in "would accept ...".
  std::string_view code;
  std::string_view name;
  // Who knows nothing can write it.
  bool takes_no_work;
  // Where rounding makes the key look like this though it is another, the key tells little.
  bool may_hide_key;
  // The numbers for an item, of the shape of its key; nullopt where there are none.
  std::optional<Tensor<double>> (*answer)(const CompiledAssignment& assignment, size_t item);
};

// All of them, in the order of LintFinding in grading_service.proto.
std::span<const WrongPaper> WrongPapers();

// What an item that asks for a quantity asks for of it: all, or one element.
Tensor<double> AskedOf(const CompiledItem& item, const Tensor<double>& quantity);

// Calls `see` with each number that a known mistake makes of a quantity where everything before it
// is right, in the order of the catalogue; a mistake may make several. `truth` holds the numbers of
// that update, and does so again afterwards.
void ForEachKnownMistake(
    const CompiledProblem& problem, const Quantity& q, int update, World<double>& truth,
    const std::function<void(std::string_view code, const Tensor<double>& numbers)>& see);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_WRONG_ANSWERS_H_
