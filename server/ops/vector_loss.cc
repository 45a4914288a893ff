#include "server/ops/vector_loss.h"

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {

absl::Status CheckVectors(const ShapeCall& call, const std::string_view* names, int count) {
  const Shape& first = call.operands[0];
  if (first.rank() == 0) {
    return FieldError("", Reason::kShapeMismatch,
                      fmt::format("{} is a scalar, expected vectors on the last axis", names[0]));
  }
  for (int i = 1; i < count; ++i) {
    const Shape& other = call.operands[static_cast<size_t>(i)];
    if (other != first) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("{} has shape {}, {} has shape {}", names[0], first.ToString(),
                                    names[i], other.ToString()));
    }
  }
  return absl::OkStatus();
}

}  // namespace gradus
