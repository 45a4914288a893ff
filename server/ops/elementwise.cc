#include "server/ops/elementwise.h"

#include "fmt/format.h"
#include "server/kernels/broadcast.h"
#include "server/status/field_error.h"

namespace gradus {

absl::StatusOr<Shape> InferBroadcastShape(const ShapeCall& call) {
  Shape common = call.operands[0];
  for (size_t i = 1; i < call.operands.size(); ++i) {
    const std::optional<Shape> next = BroadcastShape(common, call.operands[i]);
    if (!next.has_value()) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("shapes {} and {} do not broadcast", common.ToString(),
                                    call.operands[i].ToString()));
    }
    common = *next;
  }
  return common;
}

}  // namespace gradus
