#include "server/transport/call_log.h"

#include <string>

#include "spdlog/spdlog.h"

namespace gradus {

void CallLog::OnEnd(const CallRecord& record) {
  spdlog::info(
      "call request_id={} method={}/{} code={} peer={} queued_us={} computed_us={} total_us={} "
      "request_bytes={} response_bytes={} traceparent={}",
      record.request_id, record.method->service, record.method->name,
      absl::StatusCodeToString(record.code), record.peer, record.queued.count(),
      record.computed.count(), record.total.count(), record.request_bytes, record.response_bytes,
      record.traceparent.empty() ? "-" : record.traceparent);
}

}  // namespace gradus
