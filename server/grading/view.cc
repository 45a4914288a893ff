#include "server/grading/view.h"

#include <utility>

#include "server/engine/compute.h"

namespace gradus {

void View::Begin(int update) {
  const Graph& graph = problem_.graph();
  const World<double>& truth = problem_.truth(update);
  update_ = update;
  numbers_updater_.reset();
  windows_updater_.reset();
  for (int i = 0; i < graph.input_count(); ++i) {
    const Quantity q = {QuantityKind::kValue, graph.input(i)};
    const Tensor<double>& value = truth.value(q.value);
    Set(q, {value, ExactIntervals(value)});
  }
  if (update > 0) {
    numbers_.Advance();
    windows_.Advance();
    // What was computed before the update is not there any more.
    for (const Quantity& q : problem_.order(update)) Set(q, {});
    return;
  }
  for (int i = 0; i < graph.parameter_count(); ++i) {
    const ValueId id = graph.parameter(i);
    const Tensor<double>& value = truth.value(id);
    Set({QuantityKind::kValue, id}, {value, ExactIntervals(value)});
    for (int slot = 0; slot < problem_.plan().slot_count(); ++slot) {
      numbers_.old_state(id, slot) = truth.old_state(id, slot);
      windows_.old_state(id, slot) = ExactIntervals(truth.old_state(id, slot));
    }
  }
}

void View::CopyFrom(const View& other) {
  numbers_.CopyFrom(other.numbers_);
  windows_.CopyFrom(other.windows_);
  update_ = other.update_;
  numbers_updater_.reset();
  windows_updater_.reset();
}

Estimated View::Compute(const Quantity& q) {
  if (IsOfUpdate(q.kind) && !numbers_updater_.has_value()) {
    numbers_updater_.emplace(problem_.MakeUpdater(numbers_, update_));
    windows_updater_.emplace(problem_.MakeUpdater(windows_, update_));
  }
  return {
      ComputeQuantity(problem_.graph(), numbers_, problem_.upstream<double>(), numbers_updater_, q),
      ComputeQuantity(problem_.graph(), windows_, problem_.upstream<Interval>(), windows_updater_,
                      q)};
}

void View::Set(const Quantity& q, Estimated estimated) {
  numbers_.At(q) = std::move(estimated.numbers);
  windows_.At(q) = std::move(estimated.windows);
}

}  // namespace gradus
