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

// The nodes between a value and the objective, in topological order.
std::vector<ValueId> Dependents(const Graph& graph, ValueId value) {
  std::vector<bool> moves(graph.values().size(), false);
  moves[static_cast<size_t>(value)] = true;
  std::vector<ValueId> dependents;
  for (const Quantity& q : graph.value_order()) {
    if (q.value == value || !graph.value(q.value).reaches_objective) continue;
    for (const ValueId operand : graph.node(q.value).operands) {
      if (!moves[static_cast<size_t>(operand)]) continue;
      moves[static_cast<size_t>(q.value)] = true;
      dependents.push_back(q.value);
      break;
    }
  }
  return dependents;
}

}  // namespace

Probe::Probe(const Graph& graph, const World<double>& world, const Tensor<double>& upstream)
    : graph_(graph), base_(world), upstream_(upstream), world_(graph) {
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values().size()); ++id) {
    world_.At({QuantityKind::kValue, id}) = Constant(base_.value(id));
  }
}

void Probe::Aim(ValueId value) {
  for (const ValueId id : dependents_) {
    world_.At({QuantityKind::kValue, id}) = Constant(base_.value(id));
  }
  aim_ = value;
  dependents_ = Dependents(graph_, value);
}

Reading Probe::Read() {
  for (const ValueId id : dependents_) {
    world_.At({QuantityKind::kValue, id}) = ComputeValue(graph_, world_, id);
  }
  const Tensor<double>& before = base_.value(*graph_.objective());
  const Tensor<Dual>& after = world_.value(*graph_.objective());
  const bool depends = aim_ == *graph_.objective() || !dependents_.empty();
  // Differences are taken element by element, so that elements that do not move drop out exactly.
  Dual sum(0);
  double magnitude = 0;
  for (int64_t i = 0; i < after.size() && depends; ++i) {
    sum += Dual(upstream_[i]) * (after[i] - Dual(before[i]));
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

double ReadingFlops(const Graph& graph, ValueId value) {
  const Shape& objective = graph.value(*graph.objective()).shape;
  double flops = kFlopsPerQuantity + static_cast<double>(objective.element_count());
  for (const ValueId id : Dependents(graph, value)) {
    flops += graph.node(id).flops + kFlopsPerQuantity +
             kFlopsPerElement * static_cast<double>(graph.value(id).shape.element_count());
  }
  return flops;
}

}  // namespace gradus
