#include <cmath>

#include "server/optimizers/optimizer.h"
#include "server/optimizers/range.h"

namespace gradus {
namespace {

struct NAdam : RuleBase {
  static constexpr auto kCase = v1::Optimizer::kNAdam;
  static constexpr std::string_view kSlots[] = {"m", "v", "mu_product"};

  static absl::Status Validate(const v1::Optimizer& optimizer) {
    const v1::NAdam& n_adam = optimizer.n_adam();
    return FirstError(CheckAboveZero(n_adam.learning_rate(), "n_adam.learning_rate"),
                      CheckBelowOne(Beta1(n_adam), "n_adam.beta1"),
                      CheckBelowOne(Beta2(n_adam), "n_adam.beta2"),
                      CheckAtLeastZero(Epsilon(n_adam), "n_adam.adam_epsilon"),
                      CheckAtLeastZero(MomentumDecay(n_adam), "n_adam.momentum_decay"));
  }

  static double LearningRate(const v1::Optimizer& optimizer) {
    return optimizer.n_adam().learning_rate();
  }
  static std::span<const std::string_view> Slots(const v1::Optimizer&) { return kSlots; }
  static double InitialState(const v1::Optimizer&, int slot) { return slot == 2 ? 1 : 0; }

  template <class T>
  static T State(const UpdateCall<T>& call, int slot, int64_t i) {
    const v1::NAdam& n_adam = call.optimizer.n_adam();
    if (slot == 2) return call.OldState(2, i) * T(Mu(n_adam, call.update));
    const T g = call.Gradient(i);
    const double beta = slot == 0 ? Beta1(n_adam) : Beta2(n_adam);
    return T(beta) * call.OldState(slot, i) + T(1 - beta) * (slot == 0 ? g : Square(g));
  }

  template <class T>
  static T Next(const UpdateCall<T>& call, int64_t i) {
    using std::sqrt;
    const v1::NAdam& n_adam = call.optimizer.n_adam();
    const double mu = Mu(n_adam, call.update);
    const double mu_after = Mu(n_adam, call.update + 1);
    const T& product = call.State(2, i);
    const T m_corrected = T(mu_after) * call.State(0, i) / (T(1) - product * T(mu_after));
    const T g_corrected = T(1 - mu) * call.Gradient(i) / (T(1) - product);
    const T v_corrected = call.State(1, i) / T(1 - std::pow(Beta2(n_adam), call.update));
    return call.Parameter(i) - T(call.learning_rate) * (m_corrected + g_corrected) /
                                   (sqrt(v_corrected) + T(Epsilon(n_adam)));
  }

 private:
  static double Beta1(const v1::NAdam& n_adam) { return n_adam.has_beta1() ? n_adam.beta1() : 0.9; }
  static double Beta2(const v1::NAdam& n_adam) {
    return n_adam.has_beta2() ? n_adam.beta2() : 0.999;
  }
  static double Epsilon(const v1::NAdam& n_adam) {
    return n_adam.has_adam_epsilon() ? n_adam.adam_epsilon() : 1e-8;
  }
  static double MomentumDecay(const v1::NAdam& n_adam) {
    return n_adam.has_momentum_decay() ? n_adam.momentum_decay() : 0.004;
  }
  // mu_t. 0.96 is the paper's.
  static double Mu(const v1::NAdam& n_adam, int64_t update) {
    const double exponent = static_cast<double>(update) * MomentumDecay(n_adam);
    return Beta1(n_adam) * (1 - 0.5 * std::pow(0.96, exponent));
  }
};

}  // namespace

const OptimizerRule& NAdamRule() { return RuleOf<NAdam>(); }

}  // namespace gradus
