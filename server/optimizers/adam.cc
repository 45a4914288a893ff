#include <cmath>

#include "fmt/format.h"
#include "server/optimizers/optimizer.h"
#include "server/optimizers/range.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Adam : RuleBase {
  static constexpr auto kCase = v1::Optimizer::kAdam;
  static constexpr std::string_view kSlots[] = {"m", "v", "v_max"};

  static absl::Status Validate(const v1::Optimizer& optimizer) {
    const v1::Adam& adam = optimizer.adam();
    if (!v1::AdamEpsilon_IsValid(adam.epsilon_form())) {
      return FieldError("adam.epsilon_form", Reason::kInvalidValue,
                        fmt::format("{} is no form", static_cast<int>(adam.epsilon_form())));
    }
    return FirstError(CheckAboveZero(adam.learning_rate(), "adam.learning_rate"),
                      CheckBelowOne(Beta1(adam), "adam.beta1"),
                      CheckBelowOne(Beta2(adam), "adam.beta2"),
                      CheckAtLeastZero(Epsilon(adam), "adam.adam_epsilon"));
  }

  static double LearningRate(const v1::Optimizer& optimizer) {
    return optimizer.adam().learning_rate();
  }
  static std::span<const std::string_view> Slots(const v1::Optimizer& optimizer) {
    return std::span(kSlots).first(optimizer.adam().amsgrad() ? 3 : 2);
  }

  template <class T>
  static T State(const UpdateCall<T>& call, int slot, int64_t i) {
    const v1::Adam& adam = call.optimizer.adam();
    if (slot == 2) return Max(call.OldState(2, i), call.State(1, i));
    const T g = call.Gradient(i);
    const double beta = slot == 0 ? Beta1(adam) : Beta2(adam);
    return T(beta) * call.OldState(slot, i) + T(1 - beta) * (slot == 0 ? g : Square(g));
  }

  template <class T>
  static T Next(const UpdateCall<T>& call, int64_t i) {
    using std::sqrt;
    const v1::Adam& adam = call.optimizer.adam();
    const T epsilon = T(Epsilon(adam));
    const T& m = call.State(0, i);
    const T& v = call.State(adam.amsgrad() ? 2 : 1, i);
    const double first_correction = 1 - std::pow(Beta1(adam), call.update);
    const double second_correction = 1 - std::pow(Beta2(adam), call.update);
    const T m_corrected = m / T(first_correction);
    const T v_corrected = v / T(second_correction);
    const T rate = T(call.learning_rate);
    const T p = call.Parameter(i);
    switch (adam.epsilon_form()) {
      case v1::ADAM_EPSILON_UNCORRECTED:
        return p - rate * T(std::sqrt(second_correction)) * m_corrected / (sqrt(v) + epsilon);
      case v1::ADAM_EPSILON_INSIDE_ROOT:
        return p - rate * m_corrected / sqrt(v_corrected + epsilon);
      default:
        return p - rate * m_corrected / (sqrt(v_corrected) + epsilon);
    }
  }

 private:
  static double Beta1(const v1::Adam& adam) { return adam.has_beta1() ? adam.beta1() : 0.9; }
  static double Beta2(const v1::Adam& adam) { return adam.has_beta2() ? adam.beta2() : 0.999; }
  static double Epsilon(const v1::Adam& adam) {
    return adam.has_adam_epsilon() ? adam.adam_epsilon() : 1e-8;
  }
};

}  // namespace

const OptimizerRule& AdamRule() { return RuleOf<Adam>(); }

}  // namespace gradus
