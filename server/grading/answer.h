#ifndef GRADUS_SERVER_GRADING_ANSWER_H_
#define GRADUS_SERVER_GRADING_ANSWER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/v1/grade.pb.h"
#include "server/tensor/shape.h"

namespace gradus {

// What a student wrote for one item, in the item's shape.
struct ReadAnswer {
  // Row-major; nullopt for an element that is no finite number. Empty if the answer as a whole
  // could not be read.
  std::vector<std::optional<double>> values;
  // What could not be read and why, for the student. Empty: everything was read.
  std::string problem;
};

// Reads an answer to an item of the given shape. Never fails: what cannot be read is malformed.
ReadAnswer ReadAnswerFor(const v1::Answer& answer, const Shape& shape);

// Reads a number as people write it: digits with an optional sign, decimal point and exponent, at
// most 64 characters, blanks around it allowed. nullopt for anything else, also for what overflows.
std::optional<double> ParseNumber(std::string_view text);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_ANSWER_H_
