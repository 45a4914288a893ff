#ifndef GRADUS_TESTS_FUZZ_INPUT_H_
#define GRADUS_TESTS_FUZZ_INPUT_H_

#include <string>
#include <string_view>

#include "google/protobuf/message.h"

namespace gradus::testing {

// How an input holds a message.
enum class InputForm { kJson, kText, kBinary };

// Its first byte says it: JSON begins with '{', textproto with a comment, '#', and all the rest is
// binary.
InputForm FormOf(std::string_view input);

// Reads a message as the client reads a file. False if it cannot be read; `message` then holds what
// came before that, or nothing.
bool ReadInput(std::string_view input, google::protobuf::Message* message);

// An input that holds `message`.
std::string WriteInput(const google::protobuf::Message& message, InputForm form);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_FUZZ_INPUT_H_
