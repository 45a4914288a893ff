#ifndef GRADUS_SERVER_GRADING_ASSIGNMENT_H_
#define GRADUS_SERVER_GRADING_ASSIGNMENT_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"

#include "gradus/v1/assignment.pb.h"
#include "server/checking/tolerance.h"
#include "server/engine/limits.h"
#include "server/tensor/tensor.h"

namespace gradus {

// An item with its key.
struct CompiledItem {
  std::string id;
  int64_t points = 0;  // in thousandths
  Tolerance tolerance;
  Tensor<double> key;  // a scalar where the item asks for one element
  // Place in the order of computation: problems as given, quantities as trace.proto orders them.
  int64_t order = 0;
};

// An assignment that is sound, with all keys computed: what grading one submission needs.
// Immutable, so safe from any thread.
class CompiledAssignment {
 public:
  // Checks the assignment and computes its keys. Errors are FieldErrors with paths relative to the
  // Assignment, UNIMPLEMENTED for a field that is declared but not read yet; or CANCELLED.
  static absl::StatusOr<CompiledAssignment> Compile(const v1::Assignment& assignment,
                                                    const Limits& limits,
                                                    const std::atomic<bool>& cancelled);

  const std::string& name() const { return name_; }
  std::span<const CompiledItem> items() const { return items_; }
  v1::Credit credit() const { return credit_; }
  v1::FeedbackLevel feedback_level() const { return feedback_level_; }

  // Index of the item that an answer's name means: its id, or the address or symbol of its quantity
  // where no other item asks for the same. nullopt: none.
  std::optional<size_t> FindItem(std::string_view answer_name) const;

 private:
  friend class AssignmentCompiler;
  CompiledAssignment() = default;

  std::string name_;
  std::vector<CompiledItem> items_;
  v1::Credit credit_ = v1::CREDIT_PER_ELEMENT;
  v1::FeedbackLevel feedback_level_ = v1::FEEDBACK_LEVEL_VERDICT;
  std::unordered_map<std::string, size_t> by_id_;
  std::unordered_map<std::string, size_t> by_alias_;  // by canonical address and by symbol
};

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_ASSIGNMENT_H_
