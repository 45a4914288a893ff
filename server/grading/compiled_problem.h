#ifndef GRADUS_SERVER_GRADING_COMPILED_PROBLEM_H_
#define GRADUS_SERVER_GRADING_COMPILED_PROBLEM_H_

#include <atomic>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "server/engine/plan.h"
#include "server/engine/step.h"
#include "server/engine/world.h"
#include "server/tensor/tensor.h"

namespace gradus {

// What computing a problem once more as on a paper costs, in numbers and in intervals, as flops of
// the plain computation. Somewhat more than measured.
inline constexpr double kFlopsPerGradedFlop = 6;

// A problem with the truth about it: all its numbers, and which of them an independent method
// confirms. Immutable, so safe from any thread.
class CompiledProblem {
 public:
  // Computes what the plan says. Errors are those of Execute. The plan's Problem must outlive the
  // result.
  static absl::StatusOr<CompiledProblem> Make(Plan plan, const std::atomic<bool>& cancelled);

  // Estimated floating-point operations of certifying the gradients, beyond those of the plan.
  static double CertificationFlops(const Plan& plan);

  const Plan& plan() const { return *plan_; }
  const Graph& graph() const { return plan_->graph(); }
  const v1::Network& network() const { return plan_->problem().network(); }
  const v1::Optimizer& optimizer() const { return plan_->problem().optimizer(); }

  int world_count() const { return plan_->world_count(); }
  // All numbers during an update, given ones included.
  const World<double>& truth(int update) const { return *truth_[static_cast<size_t>(update)]; }
  // The true numbers of a quantity, whole.
  const Tensor<double>& TruthOf(const Target& target) const {
    return truth_[static_cast<size_t>(target.update)]->At(target.quantity);
  }
  // The gradient that the objective starts from.
  template <class T>
  const Tensor<T>& upstream() const;

  // The quantities that world `update` computes, in order.
  std::span<const Quantity> order(int update) const { return orders_[static_cast<size_t>(update)]; }
  // What a quantity reads within its update.
  std::vector<Quantity> DependenciesOf(const Quantity& q) const;

  // False where the reference of a quantity could not be certified: its gradient is not confirmed
  // by forward mode, or follows from one that is not.
  bool IsCertified(const Quantity& q, int update) const;

  // What makes the update of a world.
  template <class T>
  Updater<T> MakeUpdater(const World<T>& world, int update) const {
    return {graph(), world, network(), optimizer(), plan_->UpdateNumber(update)};
  }
  // F_q: one quantity from what it reads in `world`, which is one of this update.
  template <class T>
  Tensor<T> Compute(const World<T>& world, const Quantity& q, int update) const;

 private:
  explicit CompiledProblem(Plan plan) : plan_(std::make_unique<const Plan>(std::move(plan))) {}

  absl::Status ComputeTruth(const std::atomic<bool>& cancelled);
  void Certify(const std::atomic<bool>& cancelled);

  // Where it stays when this is moved: the worlds refer to its graph.
  std::unique_ptr<const Plan> plan_;
  Tensor<double> upstream_;
  Tensor<Interval> upstream_interval_;
  std::vector<std::unique_ptr<World<double>>> truth_;  // by update
  std::vector<std::vector<Quantity>> orders_;          // by update
  std::vector<std::vector<bool>> certified_;           // by update, then by value: its gradient
};

template <>
const Tensor<double>& CompiledProblem::upstream<double>() const;
template <>
const Tensor<Interval>& CompiledProblem::upstream<Interval>() const;

// Each number as an interval of no width.
Tensor<Interval> ExactIntervals(const Tensor<double>& numbers);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_COMPILED_PROBLEM_H_
