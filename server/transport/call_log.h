#ifndef GRADUS_SERVER_TRANSPORT_CALL_LOG_H_
#define GRADUS_SERVER_TRANSPORT_CALL_LOG_H_

#include <memory>

#include "spdlog/logger.h"

#include "server/transport/call.h"
#include "server/transport/logging.h"

namespace gradus {

// Writes one line for each call when it is over, at level info: names and values, never what the
// call carried. It goes where spdlog's default logger wrote when this was made.
class CallLog final : public CallObserver {
 public:
  explicit CallLog(LogFormat format);
  void OnBegin(const Method&) override {}
  void OnEnd(const CallRecord& record) override;

 private:
  const LogFormat format_;
  const std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_CALL_LOG_H_
