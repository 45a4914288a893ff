#include "server/ops/class_loss.h"

#include <string>

#include "fmt/format.h"
#include "server/ops/attribute_checks.h"
#include "server/status/field_error.h"

namespace gradus {

absl::Status CheckClassLoss(std::string_view op, const ShapeCall& call,
                            const ClassAttributes& attributes, bool takes_soft_labels) {
  const Shape& prediction = call.operands[0];
  const Shape& target = call.operands[1];
  if (prediction.rank() == 0) {
    return FieldError("", Reason::kShapeMismatch, "prediction is a scalar, it has no classes");
  }
  const Shape examples = ExamplesOf(prediction);
  if (target != examples && !(takes_soft_labels && target == prediction)) {
    const std::string soft_labels =
        takes_soft_labels ? fmt::format(" or soft labels {}", prediction.ToString()) : "";
    return FieldError(
        "", Reason::kShapeMismatch,
        fmt::format("prediction has shape {}, target has shape {}, expected class indices {}{}",
                    prediction.ToString(), target.ToString(), examples.ToString(), soft_labels));
  }
  if (absl::Status s =
          CheckFromTo(fmt::format("{}.label_smoothing", op), attributes.label_smoothing, 0, 1);
      !s.ok()) {
    return s;
  }
  const size_t weight_count = attributes.weights.size();
  if (weight_count != 0 && weight_count != static_cast<size_t>(prediction.back())) {
    return FieldError(fmt::format("{}.class_weights", op), Reason::kInvalidValue,
                      fmt::format("{} given, prediction has {} classes (shape {})", weight_count,
                                  prediction.back(), prediction.ToString()));
  }
  for (size_t c = 0; c < weight_count; ++c) {
    if (absl::Status s =
            CheckNotNegative(fmt::format("{}.class_weights[{}]", op, c), attributes.weights[c]);
        !s.ok()) {
      return s;
    }
  }
  // Numbers up to here are themselves in double precision.
  constexpr int64_t kLargestIgnored = int64_t{1} << 53;
  const int64_t ignored = attributes.ignored.value_or(0);
  if (ignored < -kLargestIgnored || ignored > kLargestIgnored) {
    return FieldError(
        fmt::format("{}.ignore_index", op), Reason::kInvalidValue,
        fmt::format("{} is not from {} to {}", ignored, -kLargestIgnored, kLargestIgnored));
  }
  if (attributes.ignored.has_value() && target == prediction) {
    return FieldError(fmt::format("{}.ignore_index", op), Reason::kInvalidValue,
                      fmt::format("only for class indices {}, target holds soft labels {}",
                                  examples.ToString(), target.ToString()));
  }
  return absl::OkStatus();
}

}  // namespace gradus
