#ifndef GRADUS_TESTS_CLIENT_CAPTURE_H_
#define GRADUS_TESTS_CLIENT_CAPTURE_H_

#include <string>

#include <gtest/gtest.h>

#include "client/console.h"

namespace gradus {

// What a command did.
struct Outcome {
  ExitCode code = ExitCode::kDone;
  std::string output;
  std::string error;
};

// Runs a command, a function that returns its exit code.
template <class Command>
Outcome Capture(const Command& command) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = command();
  outcome.output = testing::internal::GetCapturedStdout();
  outcome.error = testing::internal::GetCapturedStderr();
  return outcome;
}

}  // namespace gradus

#endif  // GRADUS_TESTS_CLIENT_CAPTURE_H_
