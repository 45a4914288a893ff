#include "client/pin.h"
#include "server/engine/quantity.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/target.h"

namespace gradus::testing {

void FuzzAddress(std::string_view input) {
  const absl::StatusOr<Address> address = ParseAddress(input);
  if (address.ok()) {
    const std::string canonical = FormatAddress(*address);
    const absl::StatusOr<Address> again = ParseAddress(canonical);
    Require(again.ok(), "an address can be read in its canonical spelling");
    Require(FormatAddress(*again) == canonical, "the canonical spelling stays as it is");
    Require(again->kind == address->kind && again->name == address->name &&
                again->slot == address->slot && again->updates == address->updates &&
                again->indices == address->indices && again->is_element == address->is_element,
            "the canonical spelling means the same");
  } else {
    RequireUtf8(address.status().ToString(), input);
  }
  const absl::StatusOr<v1::Pin> pin = ParsePin(input);
  if (!pin.ok()) RequireUtf8(pin.status().ToString(), input);
}

}  // namespace gradus::testing
