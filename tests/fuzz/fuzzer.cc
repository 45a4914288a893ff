// What libFuzzer calls, for the target that GRADUS_FUZZ_TARGET names.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"

#include "tests/fuzz/input.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace gradus::testing {
namespace {

const FuzzTarget& ThisTarget() {
  static const FuzzTarget& target = *std::find_if(
      FuzzTargets().begin(), FuzzTargets().end(),
      [](const FuzzTarget& candidate) { return candidate.name == GRADUS_FUZZ_TARGET; });
  return target;
}

std::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::unique_ptr<google::protobuf::Message> Read(std::string_view input) {
  std::unique_ptr<google::protobuf::Message> message(ThisTarget().message()->New());
  ReadInput(input, message.get());
  return message;
}

// The size of what was written; 0, upon which libFuzzer tries again, where it has no room.
size_t Write(const google::protobuf::Message& message, InputForm form, uint8_t* data,
             size_t max_size) {
  const std::string input = WriteInput(message, form);
  if (input.size() > max_size) return 0;
  std::memcpy(data, input.data(), input.size());
  return input.size();
}

size_t Mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  // Text is bytes. So are the forms of a message, now and then: they have readers too.
  if (ThisTarget().message == nullptr || seed % 16 == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  InputForm form = FormOf(AsText(data, size));
  if (seed % 16 == 1) form = static_cast<InputForm>(seed / 16 % 3);
  const auto message = Read(AsText(data, size));
  MutateMessage(message.get(), seed);
  return Write(*message, form, data, max_size);
}

size_t Cross(std::string_view a, std::string_view b, uint8_t* out, size_t max_size, unsigned seed) {
  // Of text, libFuzzer makes its own mixtures.
  if (ThisTarget().message == nullptr) return 0;
  const auto message = Read(a);
  CrossOver(Read(b).get(), message.get(), seed);
  return Write(*message, FormOf(a), out, max_size);
}

}  // namespace
}  // namespace gradus::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gradus::testing::ThisTarget().run(gradus::testing::AsText(data, size));
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return gradus::testing::Mutate(data, size, max_size, seed);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t a_size, const uint8_t* b,
                                            size_t b_size, uint8_t* out, size_t max_size,
                                            unsigned seed) {
  using gradus::testing::AsText;
  return gradus::testing::Cross(AsText(a, a_size), AsText(b, b_size), out, max_size, seed);
}
