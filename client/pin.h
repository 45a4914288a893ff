#ifndef GRADUS_CLIENT_PIN_H_
#define GRADUS_CLIENT_PIN_H_

#include <string_view>

#include "absl/status/statusor.h"

#include "gradus/v1/trace.pb.h"

namespace gradus {

// Reads what follows --pin: `ADDRESS=VALUE`. The value is a number, or the numbers of a tensor,
// whose brackets say the shape: `h[0]=0.6`, `h=[0.6, 0.4]`, `W1=[[1, 2], [3, 4]]`. The address is
// the server's to judge. Errors are INVALID_ARGUMENT and quote the text.
absl::StatusOr<v1::Pin> ParsePin(std::string_view text);

}  // namespace gradus

#endif  // GRADUS_CLIENT_PIN_H_
