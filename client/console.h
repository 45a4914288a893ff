#ifndef GRADUS_CLIENT_CONSOLE_H_
#define GRADUS_CLIENT_CONSOLE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gradus {

// What the exit code of the program says.
enum class ExitCode {
  kDone = 0,          // whatever the grades
  kUnexpected = 1,    // none of the below
  kBadInput = 2,      // the command line or a file is wrong, or the server refuses what they ask
  kUnreachable = 3,   // no answer from the server
  kPartlyGraded = 4,  // some submissions could not be graded
  kDiffers = 5,       // a check found a gradient that is wrong
};

// The exit code of a command that fails with `status`.
ExitCode ExitCodeOf(const absl::Status& status);

// `status` with what it is about before its message: a file or a flag. That a server is
// unreachable, or asks for another token, is about neither, and stays as it is.
absl::Status About(std::string_view source, const absl::Status& status);

// Text that somebody else wrote, on one line and harmless: blanks for line breaks and tabs, '?' for
// other control characters, which could move the cursor of a terminal or forge lines of a report.
std::string Printable(std::string_view text);

// Writes to standard output, which is checked once, by Finish.
void Print(std::string_view text);

// Writes "gradus: MESSAGE" to standard error, and returns the exit code of `status`.
ExitCode Fail(const absl::Status& status);

// What main returns: `code`, unless something printed could not be written, as on a full disk.
int Finish(ExitCode code);

}  // namespace gradus

#endif  // GRADUS_CLIENT_CONSOLE_H_
