#include "client/console.h"

#include <cstdio>

#include "fmt/format.h"

namespace gradus {

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kDone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return ExitCode::kBadInput;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    default:
      return ExitCode::kUnexpected;
  }
}

absl::Status About(std::string_view source, const absl::Status& status) {
  if (ExitCodeOf(status) == ExitCode::kUnreachable || absl::IsUnauthenticated(status))
    return status;
  return absl::Status(status.code(), fmt::format("{}: {}", source, std::string(status.message())));
}

std::string Printable(std::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte == '\n' || byte == '\r' || byte == '\t') {
      printable += ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      printable += '?';
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      // U+0080 to U+009F, in UTF-8: terminals take U+009B for an escape sequence.
      printable += '?';
      ++i;
    } else {
      printable += text[i];
    }
  }
  return printable;
}

void Print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

ExitCode Fail(const absl::Status& status) {
  const std::string line = fmt::format("gradus: {}\n", Printable(std::string(status.message())));
  // What has been printed so far comes first, also where both go to one place.
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
  return ExitCodeOf(status);
}

int Finish(ExitCode code) {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    code = Fail(absl::DataLossError("cannot write to standard output"));
  }
  return static_cast<int>(code);
}

}  // namespace gradus
