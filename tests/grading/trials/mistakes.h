#ifndef GRADUS_TESTS_GRADING_TRIALS_MISTAKES_H_
#define GRADUS_TESTS_GRADING_TRIALS_MISTAKES_H_

#include <span>

#include "tests/grading/trials/student.h"

namespace gradus::testing {

// Every mistake of the catalogue, as students make it. Some can be made in several ways and stand
// here several times.
std::span<const PlantedMistake> PlantedMistakes();

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_GRADING_TRIALS_MISTAKES_H_
