#ifndef GRADUS_SERVER_TRANSPORT_LOGGING_H_
#define GRADUS_SERVER_TRANSPORT_LOGGING_H_

#include <memory>
#include <string>
#include <string_view>

#include "spdlog/formatter.h"

namespace gradus {

class LibraryLogs;

enum class LogFormat {
  kText,  // [2026-11-28 20:15:00.123] [info] draining
  kJson,  // {"ts":"2026-11-28T20:15:00.123Z","level":"info","message":"draining"}
};

// Name of a logger whose messages are the members of a JSON object, where the format is kJson:
// `"code":"OK","peer":"ipv4:127.0.0.1:40000"`.
inline constexpr char kMembersLogger[] = "members";

// Makes a line of a message.
std::unique_ptr<spdlog::formatter> MakeLogFormatter(LogFormat format);

// Text as JSON writes it, in quotes. What is not UTF-8 becomes U+FFFD.
std::string JsonString(std::string_view text);

// While it lives, every line goes to standard error in one form: what is written with spdlog, and
// what gRPC and protobuf have to say. Writing is left to a thread, and where that is too slow, the
// oldest lines are lost: no call waits for a log. All that remain are written in the end.
//
// One at a time. The thread takes no signals.
class Logging {
 public:
  // `level` as spdlog names it: "info".
  Logging(LogFormat format, const std::string& level);
  ~Logging();

  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

 private:
  std::unique_ptr<LibraryLogs> library_logs_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_LOGGING_H_
