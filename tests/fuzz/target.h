#ifndef GRADUS_TESTS_FUZZ_TARGET_H_
#define GRADUS_TESTS_FUZZ_TARGET_H_

#include <span>
#include <string_view>

#include "google/protobuf/message.h"

namespace gradus::testing {

// Code of ours that reads what others wrote, as something to throw any bytes at. CONTRIBUTING.md
// says how to run one and how to keep an input that it failed on.
struct FuzzTarget {
  // Also of the folder below tests/fuzz/corpus/ that holds its inputs.
  std::string_view name;
  // Takes any input. Crashes, or throws std::logic_error, where our code does not keep a promise.
  void (*run)(std::string_view input);
  // An empty message of the kind that inputs hold (input.h); nullptr: they are plain text.
  const google::protobuf::Message* (*message)();
};

// All of them.
std::span<const FuzzTarget> FuzzTargets();

// Text: an address, also as --pin takes it.
void FuzzAddress(std::string_view input);
// Text: a number as people write it.
void FuzzNumber(std::string_view input);
// Text: the formula of an answer or of a key.
void FuzzFormula(std::string_view input);
// Text: a token, the claims or the header of a signed one, or the file with tokens or a key.
void FuzzToken(std::string_view input);
// A Submission, as the client reads it from a file, and its answers.
void FuzzSubmission(std::string_view input);
// A StepRequest, also as requests of Forward and Backward.
void FuzzCompute(std::string_view input);
// A CheckRequest.
void FuzzCheck(std::string_view input);
// A GradeRequest.
void FuzzGrade(std::string_view input);
// A LintAssignmentRequest.
void FuzzLint(std::string_view input);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_FUZZ_TARGET_H_
