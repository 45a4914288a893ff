#include "server/checking/probe.h"

#include <cmath>

#include "server/engine/forward.h"
#include "server/kernels/map.h"

namespace gradus {
namespace {

Tensor<Dual> Constant(const Tensor<double>& tensor) {
  Tensor<Dual> constant(tensor.shape());
  Map(tensor, constant, [](double x) { return Dual(x); });
  return constant;
}

}  // namespace

Probe::Probe(const Graph& graph, const World<double>& world, const Tensor<double>& upstream)
    : graph_(graph), base_(world), upstream_(upstream), world_(graph) {
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values().size()); ++id) {
    world_.At({QuantityKind::kValue, id}) = Constant(base_.value(id));
  }
}

std::vector<ValueId> Probe::Dependents(ValueId value) const {
  std::vector<bool> moves(graph_.values().size(), false);
  moves[static_cast<size_t>(value)] = true;
  std::vector<ValueId> dependents;
  for (const Quantity& q : graph_.value_order()) {
    if (q.value == value || !graph_.value(q.value).reaches_objective) continue;
    for (const ValueId operand : graph_.node(q.value).operands) {
      if (!moves[static_cast<size_t>(operand)]) continue;
      moves[static_cast<size_t>(q.value)] = true;
      dependents.push_back(q.value);
      break;
    }
  }
  return dependents;
}

void Probe::Aim(ValueId value) {
  for (const ValueId id : dependents_) {
    world_.At({QuantityKind::kValue, id}) = Constant(base_.value(id));
  }
  aim_ = value;
  dependents_ = Dependents(value);
}

double Probe::Flops(ValueId value) const {
  double flops = static_cast<double>(upstream_.size());
  for (const ValueId id : Dependents(value)) flops += graph_.node(id).flops;
  return flops;
}

Reading Probe::Read() {
  for (const ValueId id : dependents_) {
    world_.At({QuantityKind::kValue, id}) = ComputeValue(graph_, world_, id);
  }
  const Tensor<double>& before = base_.value(*graph_.objective());
  const Tensor<Dual>& after = world_.value(*graph_.objective());
  // Differences are taken element by element, so that elements that do not move drop out exactly,
  // and add no rounding.
  Dual sum(0);
  double magnitude = 0;
  for (int64_t i = 0; i < after.size(); ++i) {
    sum += Dual(upstream_[i]) * (after[i] - Dual(before[i]));
    if (after[i].value() == before[i] && after[i].derivative() == 0) continue;
    magnitude += std::abs(upstream_[i]) * (std::abs(after[i].value()) + std::abs(before[i]));
  }
  return {sum.value(), sum.derivative(), magnitude, sum.branches(), sum.at_kink()};
}

Reading Probe::Move(int64_t position, double step) {
  Dual& x = world_.At({QuantityKind::kValue, aim_})[position];
  x = Dual(point()[position] + step, 1);
  const Reading reading = Read();
  world_.At({QuantityKind::kValue, aim_})[position] = Dual(point()[position]);
  return reading;
}

Reading Probe::Move(const Tensor<double>& direction, double step) {
  Tensor<Dual>& x = world_.At({QuantityKind::kValue, aim_});
  for (int64_t i = 0; i < x.size(); ++i) {
    x[i] = Dual(point()[i] + step * direction[i], direction[i]);
  }
  const Reading reading = Read();
  world_.At({QuantityKind::kValue, aim_}) = Constant(point());
  return reading;
}

}  // namespace gradus
