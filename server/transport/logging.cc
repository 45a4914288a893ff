#include "server/transport/logging.h"

#include <pthread.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <iterator>

#include "spdlog/async.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

#include "fmt/chrono.h"
#include "fmt/format.h"
#include "server/compatibility.h"
#include "server/status/text.h"

namespace gradus {
namespace {

// Lines that may wait to be written.
constexpr size_t kQueueLength = 8192;
constexpr size_t kMaxForeignLength = 1000;

std::string_view View(spdlog::string_view_t text) { return {text.data(), text.size()}; }

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto since_second =
        std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch()) %
        std::chrono::seconds(1);
    const std::string_view payload = View(message.payload);
    fmt::format_to(std::back_inserter(line),
                   "{{\"ts\":\"{:%Y-%m-%dT%H:%M:%S}.{:03}Z\",\"level\":\"{}\",",
                   fmt::gmtime(spdlog::log_clock::to_time_t(message.time)), since_second.count(),
                   View(spdlog::level::to_string_view(message.level)));
    if (View(message.logger_name) == kMembersLogger) {
      fmt::format_to(std::back_inserter(line), "{}}}\n", payload);
    } else {
      fmt::format_to(std::back_inserter(line), "\"message\":{}}}\n", JsonString(payload));
    }
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

// Bytes of the UTF-8 character that text begins with; 0 if it begins with none.
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const size_t length = byte(0) < 0xc2   ? 0
                        : byte(0) < 0xe0 ? 2
                        : byte(0) < 0xf0 ? 3
                        : byte(0) < 0xf5 ? 4
                                         : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Longer than need be, halves of UTF-16 pairs, beyond U+10FFFF.
  if ((byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xed && byte(1) > 0x9f) ||
      (byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) > 0x8f)) {
    return 0;
  }
  return length;
}

void LogOfLibrary(LogSeverity severity, std::string_view library, std::string_view message) {
  const spdlog::level::level_enum level = severity == LogSeverity::kError     ? spdlog::level::err
                                          : severity == LogSeverity::kWarning ? spdlog::level::warn
                                          : severity == LogSeverity::kInfo    ? spdlog::level::info
                                                                           : spdlog::level::debug;
  spdlog::log(level, "{}: {}", library, Printable(message, kMaxForeignLength));
}

}  // namespace

std::unique_ptr<spdlog::formatter> MakeLogFormatter(LogFormat format) {
  if (format == LogFormat::kJson) return std::make_unique<JsonFormatter>();
  return std::make_unique<spdlog::pattern_formatter>("[%Y-%m-%d %H:%M:%S.%e] [%^%l%$] %v");
}

std::string JsonString(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    const char c = text[0];
    if (length == 0) {
      json += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  json += '"';
  return json;
}

Logging::Logging(LogFormat format, const std::string& level) {
  spdlog::sink_ptr sink;
  if (format == LogFormat::kText) {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  sink->set_formatter(MakeLogFormatter(format));
  spdlog::init_thread_pool(kQueueLength, 1, [] {
    sigset_t signals;
    sigfillset(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  });
  const auto logger = std::make_shared<spdlog::async_logger>(
      "gradus-server", sink, spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
  spdlog::set_default_logger(logger);
  spdlog::set_level(spdlog::level::from_str(level));
  library_logs_ = std::make_unique<LibraryLogs>(LogOfLibrary);
}

Logging::~Logging() {
  library_logs_.reset();
  spdlog::shutdown();
}

}  // namespace gradus
