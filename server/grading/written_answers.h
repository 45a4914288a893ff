#ifndef GRADUS_SERVER_GRADING_WRITTEN_ANSWERS_H_
#define GRADUS_SERVER_GRADING_WRITTEN_ANSWERS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gradus/v1/assignment.pb.h"
#include "gradus/v1/grade.pb.h"

namespace gradus {

// Finds what students wrote for the items of an assignment, to compare it letter by letter. It
// computes no key. Immutable, so safe from any thread.
class WrittenAnswers {
 public:
  explicit WrittenAnswers(const v1::Assignment& assignment);

  // For each item, in the order of the assignment: the numbers of its answer, row-major, without
  // blanks around them; a number that came without text has as many digits as tell it from every
  // other double. Empty where there is no answer or more than one, for a formula, for what is no
  // tensor, and for an answer of more than 10,000 numbers.
  std::vector<std::vector<std::string>> Read(const v1::Submission& submission) const;

 private:
  // Index of the item that an answer's name means: its id, or its address or a symbol of it, where
  // no other item has the same. nullopt: none.
  std::optional<size_t> FindItem(const std::string& name) const;

  size_t item_count_;
  std::unordered_map<std::string, size_t> by_id_;
  // By canonical address and by symbol; nullopt for a name that means several items.
  std::unordered_map<std::string, std::optional<size_t>> by_alias_;
};

// How many digits of a number as it is written tell something: those from the first to the last
// that is not 0; "0.1300" and "1.3e-7" have two. Those of both numbers of a fraction.
int TellingDigits(std::string_view number);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_WRITTEN_ANSWERS_H_
