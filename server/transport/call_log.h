#ifndef GRADUS_SERVER_TRANSPORT_CALL_LOG_H_
#define GRADUS_SERVER_TRANSPORT_CALL_LOG_H_

#include "server/transport/call.h"

namespace gradus {

// Writes one line for each call when it is over, at level info: names and values, never what the
// call carried.
class CallLog final : public CallObserver {
 public:
  void OnBegin(const Method&) override {}
  void OnEnd(const CallRecord& record) override;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_CALL_LOG_H_
