#ifndef GRADUS_SERVER_GRADING_ASSIGNMENT_H_
#define GRADUS_SERVER_GRADING_ASSIGNMENT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "gradus/v1/assignment.pb.h"
#include "server/checking/tolerance.h"
#include "server/engine/limits.h"
#include "server/engine/plan.h"
#include "server/grading/compiled_problem.h"
#include "server/grading/formula.h"
#include "server/grading/formula_draws.h"
#include "server/tensor/tensor.h"

namespace gradus {

// An item with its key.
struct CompiledItem {
  std::string id;
  int64_t points = 0;  // in thousandths
  size_t problem = 0;
  // What is asked for: a quantity, or else a formula over several.
  std::optional<Target> target;
  std::optional<Formula> formula;
  Tensor<double> key;  // a scalar where the item asks for one number
  Tolerance tolerance;
  // The coarsest unit that an answer may have.
  double required_unit = 0;
  // Largest magnitude in the tensor that the key belongs to.
  double largest_magnitude = 0;
  // Place in the order of computation: problems as given, quantities as trace.proto orders them. A
  // formula has the place of the last quantity that it names.
  int64_t order = 0;
};

// A problem and what is asked about it.
struct AskedProblem {
  std::unique_ptr<const CompiledProblem> problem;
  std::map<std::string, Target, std::less<>> symbols;
  std::unique_ptr<const FormulaDraws> draws;
  // Which items ask for a quantity, whole or in part; and for a formula, by its last quantity.
  std::map<std::pair<int, Quantity>, std::vector<size_t>> items;
  std::map<std::pair<int, Quantity>, std::vector<size_t>> formula_items;
  // Where quantities stand in the order of computation, from 1.
  std::map<std::pair<int, Quantity>, int64_t> order;

  // The value of a formula in the truth.
  double ValueOf(const Formula& formula) const;
};

// An assignment that is sound, with all keys computed and certified: what grading one submission
// needs. Immutable, so safe from any thread.
class CompiledAssignment {
 public:
  // Checks the assignment, of which it keeps a copy, and computes its keys. Errors are FieldErrors
  // with paths relative to the Assignment; or CANCELLED.
  static absl::StatusOr<CompiledAssignment> Compile(const v1::Assignment& assignment,
                                                    const Limits& limits,
                                                    const std::atomic<bool>& cancelled);

  const std::string& name() const { return assignment_->name(); }
  const v1::Assignment& definition() const { return *assignment_; }
  const v1::Policy& policy() const { return assignment_->policy(); }
  std::span<const CompiledItem> items() const { return items_; }
  std::span<const AskedProblem> problems() const { return problems_; }
  v1::Credit credit() const { return credit_; }
  v1::FeedbackLevel feedback_level() const { return feedback_level_; }
  // How many times grading may compute a whole problem over again to find out where an error comes
  // from.
  int replays(size_t problem) const { return replays_[problem]; }
  // Estimated bytes that it takes: the definition, and all numbers of its problems.
  double bytes() const { return bytes_; }

  // Index of the item that an answer's name means: its id, or the address or symbol of its quantity
  // where no other item asks for the same. nullopt: none.
  std::optional<size_t> FindItem(std::string_view answer_name) const;

  // Reads a formula over quantities of a problem that come before the given place in the order of
  // computation. Errors as of Formula::Parse.
  absl::StatusOr<Formula> ReadFormula(std::string_view text, size_t problem, int64_t before) const;

 private:
  friend class AssignmentCompiler;
  CompiledAssignment() = default;

  std::unique_ptr<const v1::Assignment> assignment_;
  std::vector<CompiledItem> items_;
  std::vector<AskedProblem> problems_;
  std::vector<int> replays_;
  double bytes_ = 0;
  v1::Credit credit_ = v1::CREDIT_PER_ELEMENT;
  v1::FeedbackLevel feedback_level_ = v1::FEEDBACK_LEVEL_VERDICT;
  std::unordered_map<std::string, size_t> by_id_;
  std::unordered_map<std::string, size_t> by_alias_;  // by canonical address and by symbol
};

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_ASSIGNMENT_H_
