#ifndef GRADUS_SERVER_ENGINE_QUANTITY_H_
#define GRADUS_SERVER_ENGINE_QUANTITY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "server/tensor/shape.h"

namespace gradus {

enum class QuantityKind { kValue, kSlope, kGradient, kNext, kState };

// What an address says, before anyone knows whether the network has it. The grammar is in
// trace.proto.
struct Address {
  QuantityKind kind = QuantityKind::kValue;
  std::string name;
  std::string slot;              // of kState
  int updates = 0;               // "@k"
  std::vector<int64_t> indices;  // empty: the whole tensor, unless is_element
  bool is_element = false;       // "[...]" was written; "L[]" is the element of a scalar
};

// Longer addresses are refused unread.
inline constexpr size_t kMaxAddressLength = 512;

// Reads an address. An error is INVALID_ARGUMENT, its message says what is wrong at which column
// (from 1) and quotes the text; it has no field, as only the caller knows where the text stood.
absl::StatusOr<Address> ParseAddress(std::string_view text);

// The canonical spelling of a whole quantity: "grad(W1)@1". `slot` is that of kState.
std::string FormatQuantity(QuantityKind kind, std::string_view name, std::string_view slot,
                           int updates);

// The canonical spelling: "grad(W1)@1[0,1]".
std::string FormatAddress(const Address& address);

// The address of one element of a whole quantity: "grad(W1)@1[0,1]", and "L[]" for a scalar.
// `quantity` is what FormatQuantity writes; `position` is row-major.
std::string FormatElement(std::string_view quantity, const Shape& shape, int64_t position);

// True for `[A-Za-z_][A-Za-z0-9_.]*` of at most 128 characters.
bool IsName(std::string_view text);

// What to tell somebody who gave something else as a name.
std::string ExplainNoName(std::string_view text);

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_QUANTITY_H_
