#ifndef GRADUS_TESTS_FUZZ_PROMISE_H_
#define GRADUS_TESTS_FUZZ_PROMISE_H_

#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

#include "server/engine/limits.h"

namespace gradus::testing {

// So small that no input takes more than some milliseconds, also with sanitizers. What takes longer
// costs more than we think.
Limits FuzzLimits();

// Throws std::logic_error, with `promise` in it, unless it is kept. Both the fuzzer and GoogleTest
// take an exception for a failure.
void Require(bool is_kept, std::string_view promise);

// Requires a message that can be sent: its strings are UTF-8.
void RequireSendable(const google::protobuf::Message& message);

// Requires text that is UTF-8, if `input`, of which it may quote a part, is.
void RequireUtf8(std::string_view text, std::string_view input);

// Requires what every request is answered with: OK, or an error that names the field.
void RequireAnswer(const absl::Status& status);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_FUZZ_PROMISE_H_
