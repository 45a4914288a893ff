#ifndef GRADUS_SERVER_GRADING_ANSWER_H_
#define GRADUS_SERVER_GRADING_ANSWER_H_

#include <optional>
#include <string>
#include <vector>

#include "gradus/v1/assignment.pb.h"
#include "gradus/v1/grade.pb.h"
#include "server/grading/written_number.h"
#include "server/tensor/shape.h"

namespace gradus {

// What a student wrote for one item, in the item's shape.
struct ReadAnswer {
  // Row-major; nullopt for an element that is no finite number. Empty if the answer as a whole
  // could not be read.
  std::vector<std::optional<WrittenNumber>> values;
  // What could not be read and why, for the student; the first problem only. It holds no number of
  // the key. Empty: everything was read.
  std::string problem;
};

struct ReadOptions {
  // A comma is read as a decimal mark, beside the point.
  bool decimal_comma = false;
  // Submission.declared_digits: what the student says was kept in numbers that come without text.
  v1::RequiredDigits declared;
};

// Reads an answer to an item of the given shape. Never fails: what cannot be read is malformed.
//
// Not for formulas, which are judged elsewhere; here one is malformed.
//
// The units are those of the answer, not yet held against what the assignment requires:
//   - Text has the unit of its last digit (written_number.h).
//   - Numbers without text are exact, unit 0, unless digits are declared. Declared significant
//     digits are those of the largest magnitude in the answer. A number that shows more digits than
//     declared, such as 0.12345 where 3 decimals are, has the unit of its last digit all the same:
//     a declaration adds the zeros that a program drops, and widens nothing that is there to see.
//     What is there to see is the shortest decimal of a number that fits in a float, else 12
//     digits: neither float32 nor 0.1 + 0.2 makes digits that the student did not keep.
//   - An answer in which any number has 8 significant digits or more came from a machine. All of it
//     is exact then, also its 0.5 and its 0.0, and whatever was declared.
ReadAnswer ReadAnswerFor(const v1::Answer& answer, const Shape& shape, const ReadOptions& options);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_ANSWER_H_
