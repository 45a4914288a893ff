#include "server/ops/loss.h"

#include <string>

namespace gradus {
namespace {

constexpr std::string_view kChoices =
    "REDUCTION_SUM, REDUCTION_MEAN, REDUCTION_BATCH_MEAN or REDUCTION_NONE";

}  // namespace

absl::StatusOr<Shape> LossReduction::InferShape(std::string_view field) const {
  switch (reduction_) {
    case v1::REDUCTION_SUM:
    case v1::REDUCTION_MEAN:
    case v1::REDUCTION_BATCH_MEAN:
      return Shape();
    case v1::REDUCTION_NONE:
      return terms_;
    case v1::REDUCTION_UNSPECIFIED:
      return FieldError(std::string(field), Reason::kMissingField,
                        fmt::format("unset; choose {}", kChoices));
    default:
      return FieldError(
          std::string(field), Reason::kInvalidValue,
          fmt::format("{} is unknown; choose {}", static_cast<int>(reduction_), kChoices));
  }
}

}  // namespace gradus
