#include <cmath>

#include "fmt/format.h"
#include "server/kernels/map.h"
#include "server/optimizers/optimizer.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// Sgd:  p' = p - learning_rate g.  No state.
struct Sgd {
  static constexpr auto kCase = v1::Optimizer::kSgd;

  static absl::Status Validate(const v1::Optimizer& optimizer) {
    const double learning_rate = optimizer.sgd().learning_rate();
    if (!std::isfinite(learning_rate) || learning_rate <= 0) {
      return FieldError("sgd.learning_rate", Reason::kInvalidValue,
                        fmt::format("{} is not a finite number above 0", learning_rate));
    }
    return absl::OkStatus();
  }

  template <class T>
  static void Update(const UpdateCall<T>& call, Tensor<T>& next) {
    const T learning_rate = T(call.optimizer.sgd().learning_rate());
    Map(call.parameter, call.gradient, next,
        [&](const T& p, const T& g) { return p - learning_rate * g; });
  }
};

}  // namespace

const OptimizerRule& SgdRule() { return RuleOf<Sgd>(); }

}  // namespace gradus
