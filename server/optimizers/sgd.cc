#include "fmt/format.h"
#include "server/optimizers/optimizer.h"
#include "server/optimizers/range.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Sgd : RuleBase {
  static constexpr auto kCase = v1::Optimizer::kSgd;
  static constexpr std::string_view kSlots[] = {"velocity"};

  static absl::Status Validate(const v1::Optimizer& optimizer) {
    const v1::Sgd& sgd = optimizer.sgd();
    if (!v1::MomentumForm_IsValid(sgd.momentum_form())) {
      return FieldError("sgd.momentum_form", Reason::kInvalidValue,
                        fmt::format("{} is no form", static_cast<int>(sgd.momentum_form())));
    }
    if (!(sgd.dampening() >= 0 && sgd.dampening() <= 1)) {
      return FieldError("sgd.dampening", Reason::kInvalidValue,
                        fmt::format("{} is not from 0 to 1", sgd.dampening()));
    }
    if (sgd.dampening() != 0 && (sgd.nesterov() || SumsUpdates(optimizer))) {
      return FieldError("sgd.dampening", Reason::kInvalidValue,
                        "only for a sum of gradients without nesterov");
    }
    if (sgd.nesterov() && sgd.momentum() == 0) {
      return FieldError("sgd.nesterov", Reason::kInvalidValue, "needs momentum above 0");
    }
    return FirstError(CheckAboveZero(sgd.learning_rate(), "sgd.learning_rate"),
                      CheckBelowOne(sgd.momentum(), "sgd.momentum"));
  }

  static double LearningRate(const v1::Optimizer& optimizer) {
    return optimizer.sgd().learning_rate();
  }

  static std::span<const std::string_view> Slots(const v1::Optimizer& optimizer) {
    if (optimizer.sgd().momentum() == 0) return {};
    return kSlots;
  }

  template <class T>
  static T State(const UpdateCall<T>& call, int, int64_t i) {
    const v1::Sgd& sgd = call.optimizer.sgd();
    const T momentum = T(sgd.momentum()) * call.OldState(0, i);
    if (SumsUpdates(call.optimizer)) return momentum - T(call.learning_rate) * call.Gradient(i);
    const double dampening = call.update == 1 ? 0 : sgd.dampening();
    return momentum + T(1 - dampening) * call.Gradient(i);
  }

  template <class T>
  static T Next(const UpdateCall<T>& call, int64_t i) {
    const v1::Sgd& sgd = call.optimizer.sgd();
    const T rate = T(call.learning_rate);
    const T p = call.Parameter(i);
    if (sgd.momentum() == 0) return p - rate * call.Gradient(i);
    const T& v = call.State(0, i);
    const T mu = T(sgd.momentum());
    if (SumsUpdates(call.optimizer)) {
      return sgd.nesterov() ? p + mu * v - rate * call.Gradient(i) : p + v;
    }
    return p - rate * (sgd.nesterov() ? call.Gradient(i) + mu * v : v);
  }

 private:
  static bool SumsUpdates(const v1::Optimizer& optimizer) {
    return optimizer.sgd().momentum_form() == v1::MOMENTUM_FORM_UPDATES;
  }
};

}  // namespace

const OptimizerRule& SgdRule() { return RuleOf<Sgd>(); }

}  // namespace gradus
