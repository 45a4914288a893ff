#include "server/optimizers/common.h"

#include <algorithm>
#include <numbers>
#include <string>

#include "fmt/format.h"
#include "server/optimizers/range.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

absl::Status CheckPeriod(int64_t period, std::string field) {
  if (period >= 1) return absl::OkStatus();
  return FieldError(std::move(field), Reason::kInvalidValue,
                    fmt::format("{} updates, it takes at least 1", period));
}

absl::Status ValidateClipping(const v1::GradientClipping& clipping) {
  switch (clipping.limit_case()) {
    case v1::GradientClipping::kValue:
      return CheckAboveZero(clipping.value(), "clipping.value");
    case v1::GradientClipping::kNorm:
      return CheckAboveZero(clipping.norm(), "clipping.norm");
    case v1::GradientClipping::kGlobalNorm:
      return CheckAboveZero(clipping.global_norm(), "clipping.global_norm");
    default:
      return FieldError("clipping", Reason::kMissingField,
                        "no limit; set value, norm or global_norm");
  }
}

absl::Status ValidateSchedule(const v1::LearningRateSchedule& schedule) {
  switch (schedule.kind_case()) {
    case v1::LearningRateSchedule::kStep:
      return FirstError(CheckPeriod(schedule.step().period(), "schedule.step.period"),
                        CheckAboveZero(schedule.step().factor(), "schedule.step.factor"));
    case v1::LearningRateSchedule::kCosine:
      return FirstError(CheckPeriod(schedule.cosine().period(), "schedule.cosine.period"),
                        CheckAtLeastZero(schedule.cosine().end_learning_rate(),
                                         "schedule.cosine.end_learning_rate"));
    default:
      return absl::OkStatus();
  }
}

}  // namespace

absl::Status ValidateCommon(const v1::Optimizer& optimizer) {
  return FirstError(
      CheckAtLeastZero(optimizer.weight_decay().coefficient(), "weight_decay.coefficient"),
      optimizer.has_clipping() ? ValidateClipping(optimizer.clipping()) : absl::OkStatus(),
      ValidateSchedule(optimizer.schedule()));
}

double ScheduledLearningRate(const v1::LearningRateSchedule& schedule, double learning_rate,
                             int64_t update) {
  switch (schedule.kind_case()) {
    case v1::LearningRateSchedule::kStep: {
      const int64_t falls = (update - 1) / schedule.step().period();
      return learning_rate * std::pow(schedule.step().factor(), static_cast<double>(falls));
    }
    case v1::LearningRateSchedule::kCosine: {
      const v1::CosineDecay& cosine = schedule.cosine();
      const double share =
          std::min(1.0, static_cast<double>(update - 1) / static_cast<double>(cosine.period()));
      const double end = cosine.end_learning_rate();
      return end + (learning_rate - end) * (1 + std::cos(std::numbers::pi * share)) / 2;
    }
    default:
      return learning_rate;
  }
}

}  // namespace gradus
