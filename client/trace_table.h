#ifndef GRADUS_CLIENT_TRACE_TABLE_H_
#define GRADUS_CLIENT_TRACE_TABLE_H_

#include <string>

#include "absl/status/statusor.h"

#include "gradus/v1/trace.pb.h"

namespace gradus {

// A trace for people: one block per quantity with its address, op, shape and numbers (see
// tensor_text.h), an empty line between forward, backward and update, and last a warning if numbers
// are not finite. INTERNAL if a tensor makes no sense.
absl::StatusOr<std::string> TraceTable(const v1::Trace& trace);

}  // namespace gradus

#endif  // GRADUS_CLIENT_TRACE_TABLE_H_
