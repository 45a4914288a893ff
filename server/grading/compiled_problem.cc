#include "server/grading/compiled_problem.h"

#include <optional>
#include <utility>

#include "server/checking/checker.h"
#include "server/engine/compute.h"
#include "server/engine/execute.h"
#include "server/kernels/map.h"

namespace gradus {
namespace {

// Forward mode looks at each element of a gradient; beyond this it is one random direction, which
// costs two passes whatever the size.
constexpr double kForwardModeFlops = 1e8;

bool HasCheckedGradient(const Value& value) {
  return value.reaches_objective && value.has_gradient;
}

// Forward mode where that is affordable for all gradients together.
v1::CheckMethod MethodFor(const Graph& graph) {
  constexpr v1::CheckMethod kExact[] = {v1::CHECK_METHOD_FORWARD_MODE};
  double flops = 0;
  for (size_t v = 0; v < graph.values().size(); ++v) {
    if (!HasCheckedGradient(graph.values()[v])) continue;
    flops += CheckFlops(graph, static_cast<ValueId>(v), kExact);
  }
  return flops <= kForwardModeFlops ? v1::CHECK_METHOD_FORWARD_MODE
                                    : v1::CHECK_METHOD_RANDOM_DIRECTION;
}

}  // namespace

absl::StatusOr<CompiledProblem> CompiledProblem::Make(Plan plan,
                                                      const std::atomic<bool>& cancelled) {
  CompiledProblem problem(std::move(plan));
  if (absl::Status s = problem.ComputeTruth(cancelled); !s.ok()) return s;
  problem.Certify(cancelled);
  if (cancelled.load(std::memory_order_relaxed)) {
    return absl::CancelledError("cancelled by the caller");
  }
  return problem;
}

absl::Status CompiledProblem::ComputeTruth(const std::atomic<bool>& cancelled) {
  const int slots = plan_->slot_count();
  for (int update = 0; update < world_count(); ++update) {
    truth_.push_back(std::make_unique<World<double>>(graph(), slots));
    orders_.push_back(plan_->Order(update));
  }
  absl::Status status = Execute<double>(
      *plan_, cancelled, [&](const Quantity& q, int update, const Tensor<double>& tensor) {
        truth_[static_cast<size_t>(update)]->At(q) = tensor;
      });
  if (!status.ok()) return status;
  for (int update = 0; update < world_count(); ++update) {
    World<double>& world = *truth_[static_cast<size_t>(update)];
    for (int i = 0; i < graph().parameter_count(); ++i) {
      const ValueId parameter = graph().parameter(i);
      for (int slot = 0; slot < slots; ++slot) {
        world.old_state(parameter, slot) = update == 0 ? *ReadInitialState<double>(*plan_, i, slot)
                                                       : truth(update - 1).state(parameter, slot);
      }
    }
  }
  // Executing the plan has found all given numbers sound.
  upstream_ = *ReadUpstream<double>(*plan_);
  upstream_interval_ = ExactIntervals(upstream_);
  return absl::OkStatus();
}

void CompiledProblem::Certify(const std::atomic<bool>& cancelled) {
  const v1::CheckMethod method = MethodFor(graph());
  for (int update = 0; update < world_count(); ++update) {
    std::vector<bool>& certified = certified_.emplace_back(graph().values().size(), true);
    if (plan_->ScopeOf(update) < Scope::kBackward) continue;
    Checker checker(graph(), truth(update), upstream_, CheckOptions(), cancelled);
    for (size_t v = 0; v < certified.size(); ++v) {
      if (!HasCheckedGradient(graph().values()[v])) continue;
      const auto id = static_cast<ValueId>(v);
      certified[v] = checker.Check(id, truth(update).gradient(id), method).verdict() ==
                     v1::CHECK_VERDICT_AGREES;
    }
  }
}

double CompiledProblem::CertificationFlops(const Plan& plan) {
  const Graph& graph = plan.graph();
  const v1::CheckMethod methods[] = {MethodFor(graph)};
  double flops = 0;
  for (int update = 0; update < plan.world_count(); ++update) {
    if (plan.ScopeOf(update) < Scope::kBackward) continue;
    flops += CheckerFlops(graph);
    for (size_t v = 0; v < graph.values().size(); ++v) {
      if (!HasCheckedGradient(graph.values()[v])) continue;
      flops += CheckFlops(graph, static_cast<ValueId>(v), methods);
    }
  }
  return flops;
}

std::vector<Quantity> CompiledProblem::DependenciesOf(const Quantity& q) const {
  return gradus::DependenciesOf(graph(), plan_->slot_count(),
                                optimizer().clipping().has_global_norm(), q);
}

bool CompiledProblem::IsCertified(const Quantity& q, int update) const {
  // Each update rests on the gradients of all parameters in those before it.
  for (int earlier = 0; earlier < update; ++earlier) {
    for (int i = 0; i < graph().parameter_count(); ++i) {
      if (!certified_[static_cast<size_t>(earlier)][static_cast<size_t>(graph().parameter(i))]) {
        return false;
      }
    }
  }
  if (q.kind == QuantityKind::kValue || q.kind == QuantityKind::kSlope) return true;
  return certified_[static_cast<size_t>(update)][static_cast<size_t>(q.value)];
}

template <>
const Tensor<double>& CompiledProblem::upstream<double>() const {
  return upstream_;
}
template <>
const Tensor<Interval>& CompiledProblem::upstream<Interval>() const {
  return upstream_interval_;
}

template <class T>
Tensor<T> CompiledProblem::Compute(const World<T>& world, const Quantity& q, int update) const {
  std::optional<Updater<T>> updater;
  if (IsOfUpdate(q.kind)) updater.emplace(MakeUpdater(world, update));
  return ComputeQuantity(graph(), world, upstream<T>(), updater, q);
}

template Tensor<double> CompiledProblem::Compute(const World<double>&, const Quantity&, int) const;
template Tensor<Interval> CompiledProblem::Compute(const World<Interval>&, const Quantity&,
                                                   int) const;

Tensor<Interval> ExactIntervals(const Tensor<double>& numbers) {
  if (numbers.size() == 0) return {};
  Tensor<Interval> intervals(numbers.shape());
  Map(numbers, intervals, [](double x) { return Interval(x); });
  return intervals;
}

}  // namespace gradus
