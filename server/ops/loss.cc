#include "server/ops/loss.h"

#include <string>

namespace gradus {

absl::StatusOr<Shape> LossReduction::InferShape(std::string_view field) const {
  switch (reduction_) {
    case v1::REDUCTION_SUM:
    case v1::REDUCTION_MEAN:
    case v1::REDUCTION_BATCH_MEAN:
      return Shape();
    case v1::REDUCTION_NONE:
      return terms_;
    default:
      return FieldError(std::string(field), Reason::kMissingField,
                        "unset; choose REDUCTION_SUM, REDUCTION_MEAN, REDUCTION_BATCH_MEAN or "
                        "REDUCTION_NONE");
  }
}

}  // namespace gradus
