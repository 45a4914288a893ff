#include "server/engine/execute.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "server/engine/compute.h"
#include "server/engine/world.h"
#include "server/kernels/interruption.h"
#include "server/status/field_error.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

template <class T>
Tensor<T> Filled(const Shape& shape, double number) {
  return {shape, std::vector<T>(static_cast<size_t>(shape.element_count()), T(number))};
}

// The state of one run of Execute.
template <class T>
class Execution {
 public:
  Execution(const Plan& plan, const std::atomic<bool>& cancelled, const Observer<T>& observer)
      : plan_(plan),
        graph_(plan.graph()),
        cancelled_(cancelled),
        observer_(observer),
        world_(plan.graph(), plan.slot_count()) {}

  absl::Status Run() {
    const InterruptionScope scope(cancelled_);
    if (absl::Status s = ReadPins(); !s.ok()) return s;
    if (absl::Status s = ReadUpstream(); !s.ok()) return s;
    for (int update = 0; update < plan_.world_count(); ++update) {
      if (absl::Status s = LoadGiven(update); !s.ok()) return s;
      std::optional<Updater<T>> updater;
      for (const Quantity& q : plan_.Order(update)) {
        if (IsOfUpdate(q.kind) && !updater.has_value()) {
          updater.emplace(graph_, world_, plan_.problem().network(), plan_.problem().optimizer(),
                          plan_.UpdateNumber(update));
        }
        world_.At(q) = ComputeQuantity(graph_, world_, upstream_, updater, q);
        if (IsCancelled()) return Cancelled();
        Finish(q, update);
      }
    }
    return absl::OkStatus();
  }

 private:
  bool IsCancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  static absl::Status Cancelled() { return absl::CancelledError("cancelled by the caller"); }

  struct PinnedValue {
    std::optional<int64_t> element;
    Tensor<T> value;
    const std::string* path;
  };

  absl::Status ReadPins() {
    for (const ResolvedPin& pin : plan_.pins()) {
      const absl::StatusOr<Shape> shape =
          ReadShape(*pin.value, plan_.ShapeOf(pin.target.quantity).element_count());
      auto value = ReadValues<T>(*pin.value, *shape);
      if (!value.ok()) return WithFieldPrefix(value.status(), pin.path);
      auto& pins = pins_[{pin.target.quantity, pin.target.update}];
      // Whole pins go first, so that element pins beat them.
      pins.insert(pin.target.element.has_value() ? pins.end() : pins.begin(),
                  {pin.target.element, *std::move(value), &pin.path});
    }
    return absl::OkStatus();
  }

  absl::Status ReadUpstream() {
    absl::StatusOr<Tensor<T>> upstream = gradus::ReadUpstream<T>(plan_);
    if (!upstream.ok()) return upstream.status();
    upstream_ = *std::move(upstream);
    return absl::OkStatus();
  }

  // Puts the inputs and parameters of an update in place.
  absl::Status LoadGiven(int update) {
    for (int i = 0; i < graph_.input_count(); ++i) {
      if (IsCancelled()) return Cancelled();
      const ValueId id = graph_.input(i);
      const InputSource source = plan_.SourceOf(i, update);
      auto values = ReadValues<T>(*source.tensor, graph_.value(id).shape);
      if (!values.ok()) {
        return WithFieldPrefix(values.status(), source.Path(), graph_.value(id).name);
      }
      const Quantity q = {QuantityKind::kValue, id};
      world_.At(q) = *std::move(values);
      Finish(q, update);
    }
    if (absl::Status s = CheckIndices(update); !s.ok()) return s;
    if (update > 0) world_.Advance();
    for (int i = 0; i < graph_.parameter_count(); ++i) {
      const ValueId id = graph_.parameter(i);
      const Quantity q = {QuantityKind::kValue, id};
      if (update > 0) {
        observer_(q, update, world_.At(q));
        continue;
      }
      if (absl::Status s = LoadState(i); !s.ok()) return s;
      auto values =
          ReadValues<T>(plan_.problem().network().parameters(i).value(), graph_.value(id).shape);
      if (!values.ok()) {
        return WithFieldPrefix(values.status(), fmt::format("network.parameters[{}].value", i),
                               graph_.value(id).name);
      }
      world_.At(q) = *std::move(values);
      Finish(q, update);
    }
    return absl::OkStatus();
  }

  // Puts the optimizer's state of a parameter before the first update in place.
  absl::Status LoadState(int parameter) {
    const ValueId id = graph_.parameter(parameter);
    for (int slot = 0; slot < plan_.slot_count(); ++slot) {
      absl::StatusOr<Tensor<T>> state = ReadInitialState<T>(plan_, parameter, slot);
      if (!state.ok()) return state.status();
      world_.old_state(id, slot) = *std::move(state);
    }
    return absl::OkStatus();
  }

  absl::Status CheckIndices(int update) const {
    for (const IndexInput& index : graph_.index_inputs()) {
      const Tensor<T>& values = world_.value(index.input);
      for (int64_t i = 0; i < values.size(); ++i) {
        const double number = PlainValue(values[i]);
        if (number >= 0 && number < static_cast<double>(index.count) &&
            number == std::floor(number)) {
          continue;
        }
        // Rounded as the input was.
        if (index.ignored.has_value() &&
            values[i] == static_cast<T>(static_cast<double>(*index.ignored))) {
          continue;
        }
        const auto pins = pins_.find({{QuantityKind::kValue, index.input}, update});
        const bool pinned = pins != pins_.end();
        const std::string path =
            pinned ? *pins->second.front().path : plan_.SourceOf(index.input, update).Path();
        return FieldError(
            {pinned ? path : fmt::format("{}.values[{}]", path, i), graph_.value(index.input).name,
             Reason::kInvalidValue,
             fmt::format(
                 "{} is no index of node '{}', indices are 0 to {}{}", number,
                 graph_.value(index.node).name, index.count - 1,
                 index.ignored.has_value() ? fmt::format(", {} is ignored", *index.ignored) : "")});
      }
    }
    return absl::OkStatus();
  }

  // Applies the pins of a quantity and shows it.
  void Finish(const Quantity& q, int update) {
    Tensor<T>& tensor = world_.At(q);
    const auto pins = pins_.find({q, update});
    if (pins != pins_.end()) {
      for (const PinnedValue& pin : pins->second) {
        if (pin.element.has_value()) {
          tensor[*pin.element] = pin.value[0];
        } else {
          tensor = pin.value;
        }
      }
    }
    observer_(q, update, tensor);
  }

  const Plan& plan_;
  const Graph& graph_;
  const std::atomic<bool>& cancelled_;
  const Observer<T>& observer_;
  World<T> world_;
  Tensor<T> upstream_;
  std::map<std::pair<Quantity, int>, std::vector<PinnedValue>> pins_;
};

}  // namespace

template <class T>
absl::StatusOr<Tensor<T>> ReadUpstream(const Plan& plan) {
  const Graph& graph = plan.graph();
  if (!graph.objective().has_value()) return Tensor<T>();
  const Shape& shape = graph.value(*graph.objective()).shape;
  if (!plan.problem().has_upstream()) return Filled<T>(shape, 1);
  absl::StatusOr<Tensor<T>> upstream = ReadValues<T>(plan.problem().upstream(), shape);
  if (!upstream.ok()) return WithFieldPrefix(upstream.status(), "upstream");
  return upstream;
}

template <class T>
absl::StatusOr<Tensor<T>> ReadInitialState(const Plan& plan, int parameter, int slot) {
  const Value& value = plan.graph().value(plan.graph().parameter(parameter));
  const std::optional<SlotSource> source = plan.StateOf(parameter, slot);
  if (!source.has_value()) return Filled<T>(value.shape, plan.InitialState(slot));
  absl::StatusOr<Tensor<T>> state = ReadValues<T>(*source->tensor, value.shape);
  if (!state.ok()) return WithFieldPrefix(state.status(), source->path, value.name);
  return state;
}

template absl::StatusOr<Tensor<double>> ReadUpstream(const Plan&);
template absl::StatusOr<Tensor<float>> ReadUpstream(const Plan&);
template absl::StatusOr<Tensor<double>> ReadInitialState(const Plan&, int, int);
template absl::StatusOr<Tensor<float>> ReadInitialState(const Plan&, int, int);

template <class T>
absl::Status Execute(const Plan& plan, const std::atomic<bool>& cancelled,
                     const Observer<T>& observer) {
  return Execution<T>(plan, cancelled, observer).Run();
}

template absl::Status Execute(const Plan&, const std::atomic<bool>&, const Observer<double>&);
template absl::Status Execute(const Plan&, const std::atomic<bool>&, const Observer<float>&);

}  // namespace gradus
