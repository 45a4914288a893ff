#include "server/ops/loss.h"

namespace gradus {
namespace {

constexpr std::string_view kChoices =
    "REDUCTION_SUM, REDUCTION_MEAN, REDUCTION_BATCH_MEAN or REDUCTION_NONE";

}  // namespace

absl::StatusOr<Shape> InferReducedShape(std::string_view op, v1::Reduction reduction,
                                        const Shape& terms) {
  switch (reduction) {
    case v1::REDUCTION_SUM:
    case v1::REDUCTION_MEAN:
    case v1::REDUCTION_BATCH_MEAN:
      return Shape();
    case v1::REDUCTION_NONE:
      return terms;
    case v1::REDUCTION_UNSPECIFIED:
      return FieldError(fmt::format("{}.reduction", op), Reason::kMissingField,
                        fmt::format("unset; choose {}", kChoices));
    default:
      return FieldError(
          fmt::format("{}.reduction", op), Reason::kInvalidValue,
          fmt::format("{} is unknown; choose {}", static_cast<int>(reduction), kChoices));
  }
}

}  // namespace gradus
