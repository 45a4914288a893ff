#include "server/transport/call_log.h"

#include <chrono>
#include <string>
#include <string_view>

#include "spdlog/spdlog.h"

#include "fmt/format.h"

namespace gradus {
namespace {

// The second part of version-traceid-parentid-flags.
std::string_view TraceIdOf(std::string_view traceparent) {
  constexpr size_t kBegin = 3;
  constexpr size_t kLength = 32;
  return traceparent.empty() ? traceparent : traceparent.substr(kBegin, kLength);
}

// The line of one call, name by name.
class Line {
 public:
  explicit Line(LogFormat format) : format_(format), text_(IsJson() ? "" : "call") {}

  // Empty text is "-" to a reader, and left out of JSON.
  void Add(std::string_view name, std::string_view value) {
    if (!IsJson()) {
      text_ += fmt::format(" {}={}", name, value.empty() ? "-" : value);
    } else if (!value.empty()) {
      AddMember(name, JsonString(value));
    }
  }
  void Add(std::string_view name, std::chrono::microseconds time) {
    AddNumber(name, fmt::format("{:.3f}", static_cast<double>(time.count()) / 1000));
  }
  void Add(std::string_view name, size_t count) { AddNumber(name, fmt::format("{}", count)); }

  const std::string& text() const { return text_; }

 private:
  bool IsJson() const { return format_ == LogFormat::kJson; }
  void AddNumber(std::string_view name, std::string_view number) {
    if (IsJson()) return AddMember(name, number);
    Add(name, number);
  }
  void AddMember(std::string_view name, std::string_view value) {
    text_ += fmt::format("{}\"{}\":{}", text_.empty() ? "" : ",", name, value);
  }

  const LogFormat format_;
  std::string text_;
};

}  // namespace

CallLog::CallLog(LogFormat format)
    : format_(format), logger_(spdlog::default_logger()->clone(kMembersLogger)) {}

void CallLog::OnEnd(const CallRecord& record) {
  if (!logger_->should_log(spdlog::level::info)) return;
  Line line(format_);
  line.Add("request_id", record.request_id);
  line.Add("method", fmt::format("{}/{}", record.method->service, record.method->name));
  line.Add("code", absl::StatusCodeToString(record.code));
  line.Add("reason", record.reason);
  line.Add("peer", record.peer);
  line.Add("role", record.role);
  line.Add("subject", record.subject);
  line.Add("queue_ms", record.queued);
  line.Add("compute_ms", record.computed);
  line.Add("total_ms", record.total);
  line.Add("request_bytes", record.request_bytes);
  line.Add("response_bytes", record.response_bytes);
  line.Add("trace_id", TraceIdOf(record.traceparent));
  logger_->info(line.text());
}

}  // namespace gradus
