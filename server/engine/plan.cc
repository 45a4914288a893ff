#include "server/engine/plan.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "server/optimizers/common.h"
#include "server/optimizers/optimizer.h"
#include "server/status/field_error.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

// What an optimizer does to an element, with a root and divisions.
constexpr double kFlopsPerUpdatedElement = 40;
// Of the slowest code, which is what an estimate must be right for.
constexpr double kFlopsPerMicrosecond = 1000;

constexpr int kMaxBatches = 1000;
constexpr int64_t kMaxUpdateCount = int64_t{1} << 53;

// Matches given tensors with the inputs that a network declares.
class InputMatcher {
 public:
  explicit InputMatcher(const v1::Network& network)
      : input_count_(static_cast<size_t>(network.inputs_size())) {
    for (int i = 0; i < network.inputs_size(); ++i) {
      declared_.try_emplace(network.inputs(i).name(), static_cast<size_t>(i));
    }
  }

  // By input: the index of its tensor in `given`, or -1. Empty if nothing is given.
  absl::StatusOr<std::vector<int>> Match(
      const google::protobuf::RepeatedPtrField<v1::NamedTensor>& given,
      const std::string& path) const {
    std::vector<int> matched;
    if (given.empty()) return matched;
    matched.assign(input_count_, -1);
    for (int i = 0; i < given.size(); ++i) {
      const std::string& name = given[i].name();
      const auto found = declared_.find(name);
      if (found == declared_.end()) {
        return FieldError(fmt::format("{}[{}].name", path, i), Reason::kUnknownName,
                          fmt::format("the network declares no input named '{}'", name));
      }
      int& match = matched[found->second];
      if (match >= 0) {
        return FieldError({fmt::format("{}[{}].name", path, i), name, Reason::kDuplicateName,
                           fmt::format("already given by {}[{}]", path, match)});
      }
      match = i;
    }
    return matched;
  }

 private:
  size_t input_count_;
  std::unordered_map<std::string_view, size_t> declared_;
};

absl::StatusOr<Shape> ReadInputShape(const v1::NamedTensor& input, const InputSource& source,
                                     const Limits& limits) {
  if (!input.has_tensor()) {
    return FieldError({source.Path(), input.name(), Reason::kMissingField, "unset"});
  }
  const absl::StatusOr<Shape> shape = ReadShape(input.tensor(), limits.max_tensor_elements);
  if (!shape.ok()) return WithFieldPrefix(shape.status(), source.Path(), input.name());
  return *shape;
}

std::string_view ScopeName(Scope scope) {
  switch (scope) {
    case Scope::kForward:
      return "Forward";
    case Scope::kBackward:
      return "Backward";
    case Scope::kStep:
      break;
  }
  return "Step";
}

// Row-major position of an element, or an error.
absl::StatusOr<int64_t> PositionOf(const Address& address, const Shape& shape) {
  if (static_cast<int>(address.indices.size()) != shape.rank()) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' has {} ind{}, shape {} takes {}", FormatAddress(address), address.indices.size(),
        address.indices.size() == 1 ? "ex" : "ices", shape.ToString(), shape.rank()));
  }
  int64_t position = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const int64_t index = address.indices[static_cast<size_t>(axis)];
    if (index >= shape[axis]) {
      return absl::InvalidArgumentError(fmt::format("'{}' is out of range, its shape is {}",
                                                    FormatAddress(address), shape.ToString()));
    }
    position = position * shape[axis] + index;
  }
  return position;
}

}  // namespace

Scope ScopeFor(QuantityKind kind) {
  switch (kind) {
    case QuantityKind::kValue:
      return Scope::kForward;
    case QuantityKind::kSlope:
    case QuantityKind::kGradient:
      return Scope::kBackward;
    default:
      return Scope::kStep;
  }
}

std::string InputSource::Path() const {
  return batch < 0 ? fmt::format("inputs[{}].tensor", index)
                   : fmt::format("batches[{}].inputs[{}].tensor", batch, index);
}

absl::StatusOr<Plan> Plan::Make(const v1::Problem& problem, Scope scope, const Limits& limits,
                                GraphCache* graphs) {
  const v1::Network& network = problem.network();
  if (!problem.has_network()) return FieldError("network", Reason::kMissingField, "unset");
  if (!v1::Precision_IsValid(problem.precision())) {
    return FieldError("precision", Reason::kInvalidValue,
                      fmt::format("{} is no precision", static_cast<int>(problem.precision())));
  }
  if (scope != Scope::kForward && problem.objective().empty()) {
    return FieldError("objective", Reason::kMissingField,
                      "unset; name the node whose gradient is wanted");
  }

  if (absl::Status s = CheckCounts(network, limits); !s.ok()) return s;
  const InputMatcher matcher(network);
  auto problem_inputs = matcher.Match(problem.inputs(), "inputs");
  if (!problem_inputs.ok()) return problem_inputs.status();
  std::vector<Shape> shapes;
  for (int i = 0; i < network.inputs_size(); ++i) {
    const int match = problem_inputs->empty() ? -1 : (*problem_inputs)[static_cast<size_t>(i)];
    if (match < 0) {
      return FieldError(
          "inputs", Reason::kMissingField,
          fmt::format("network.inputs[{}] '{}' has no numbers", i, network.inputs(i).name()));
    }
    const v1::NamedTensor& input = problem.inputs(match);
    auto shape = ReadInputShape(input, {&input.tensor(), -1, match}, limits);
    if (!shape.ok()) return shape.status();
    shapes.push_back(*shape);
  }

  const std::string_view objective =
      scope == Scope::kForward ? std::string_view() : problem.objective();
  absl::StatusOr<std::shared_ptr<const Graph>> graph;
  if (graphs != nullptr) {
    graph = graphs->FindOrBuild(network, shapes, objective, limits);
  } else if (auto built = Graph::Build(network, shapes, objective, limits); built.ok()) {
    graph = std::make_shared<const Graph>(*std::move(built));
  } else {
    graph = built.status();
  }
  if (!graph.ok()) return graph.status();
  Plan plan(problem, scope, *std::move(graph));
  plan.problem_inputs_ = *std::move(problem_inputs);
  if (const auto* rule = FindOptimizerRule(problem.optimizer().rule_case()); rule != nullptr) {
    plan.slots_ = rule->slots(problem.optimizer());
  }
  if (scope != Scope::kForward) {
    if (absl::Status s = plan.CheckUpstream(limits); !s.ok()) return s;
  }
  if (scope != Scope::kStep) return plan;

  if (absl::Status s = plan.CheckStep(limits); !s.ok()) return s;
  for (int b = 0; b < problem.batches_size(); ++b) {
    const std::string path = fmt::format("batches[{}].inputs", b);
    auto matched = matcher.Match(problem.batches(b).inputs(), path);
    if (!matched.ok()) return matched.status();
    for (size_t i = 0; i < matched->size(); ++i) {
      const int match = (*matched)[i];
      if (match < 0) continue;
      const v1::NamedTensor& input = problem.batches(b).inputs(match);
      const InputSource source = {&input.tensor(), b, match};
      auto shape = ReadInputShape(input, source, limits);
      if (!shape.ok()) return shape.status();
      if (*shape != shapes[i]) {
        return FieldError({source.Path(), input.name(), Reason::kShapeMismatch,
                           fmt::format("has shape {}, in Problem.inputs it has {}",
                                       shape->ToString(), shapes[i].ToString())});
      }
    }
    plan.batch_inputs_.push_back(*std::move(matched));
  }
  return plan;
}

absl::Status Plan::CheckUpstream(const Limits& limits) const {
  const Shape& objective = ShapeOf({QuantityKind::kValue, *graph_->objective()});
  if (problem_->has_upstream()) {
    const absl::StatusOr<Shape> shape = ReadShape(problem_->upstream(), limits.max_tensor_elements);
    if (!shape.ok()) return WithFieldPrefix(shape.status(), "upstream");
    if (*shape != objective) {
      return FieldError("upstream", Reason::kShapeMismatch,
                        fmt::format("has shape {}, objective '{}' has {}", shape->ToString(),
                                    problem_->objective(), objective.ToString()));
    }
  } else if (objective.element_count() != 1) {
    return FieldError("objective", Reason::kShapeMismatch,
                      fmt::format("'{}' has shape {}, not one element; reduce it, or give upstream",
                                  problem_->objective(), objective.ToString()));
  }
  return absl::OkStatus();
}

absl::Status Plan::CheckStep(const Limits& limits) {
  const v1::Optimizer& optimizer = problem_->optimizer();
  const OptimizerRule* rule = FindOptimizerRule(optimizer.rule_case());
  if (rule == nullptr) {
    return FieldError("optimizer", Reason::kMissingField,
                      "unset, or a rule that this server does not know");
  }
  if (absl::Status s = rule->validate(optimizer); !s.ok()) return WithFieldPrefix(s, "optimizer");
  if (absl::Status s = ValidateCommon(optimizer); !s.ok()) return WithFieldPrefix(s, "optimizer");
  const v1::OptimizerState& state = problem_->optimizer_state();
  if (state.update_count() < 0 || state.update_count() > kMaxUpdateCount) {
    return FieldError("optimizer_state.update_count", Reason::kInvalidValue,
                      fmt::format("{} is not from 0 to {}", state.update_count(), kMaxUpdateCount));
  }
  if (absl::Status s = CheckState(limits); !s.ok()) return s;
  if (problem_->batches_size() > kMaxBatches) {
    return FieldError(
        "batches", Reason::kLimitExceeded,
        fmt::format("{} batches, the limit is {}", problem_->batches_size(), kMaxBatches));
  }
  update_count_ = std::max(1, problem_->batches_size());
  return absl::OkStatus();
}

absl::Status Plan::CheckState(const Limits& limits) {
  const auto& given = problem_->optimizer_state().parameters();
  if (!given.empty() && slot_count() == 0) {
    return FieldError("optimizer_state.parameters", Reason::kInvalidValue,
                      "this optimizer keeps no state");
  }
  std::unordered_set<std::string_view> seen;
  for (int i = 0; i < given.size(); ++i) {
    const std::string path = fmt::format("optimizer_state.parameters[{}]", i);
    const std::string& name = given[i].parameter();
    const std::optional<ValueId> id = graph_->Find(name);
    if (!id.has_value() || graph_->value(*id).kind != ValueKind::kParameter) {
      return FieldError(path + ".parameter", Reason::kUnknownName,
                        fmt::format("no parameter is named '{}'", name));
    }
    if (!seen.insert(name).second) {
      return FieldError({path + ".parameter", name, Reason::kDuplicateName, "given before"});
    }
    const Value& parameter = graph_->value(*id);
    for (int j = 0; j < given[i].slots_size(); ++j) {
      const v1::NamedTensor& slot = given[i].slots(j);
      const std::string slot_path = fmt::format("{}.slots[{}]", path, j);
      const auto found = std::find(slots_.begin(), slots_.end(), slot.name());
      if (found == slots_.end()) {
        return FieldError({slot_path + ".name", slot.name(), Reason::kUnknownName,
                           fmt::format("the optimizer keeps {}", fmt::join(slots_, ", "))});
      }
      const absl::StatusOr<Shape> shape = ReadShape(slot.tensor(), limits.max_tensor_elements);
      if (!shape.ok()) return WithFieldPrefix(shape.status(), slot_path + ".tensor", slot.name());
      if (*shape != parameter.shape) {
        return FieldError({slot_path + ".tensor", slot.name(), Reason::kShapeMismatch,
                           fmt::format("has shape {}, parameter '{}' has {}", shape->ToString(),
                                       name, parameter.shape.ToString())});
      }
      const auto key = std::pair(parameter.index, static_cast<int>(found - slots_.begin()));
      if (!states_.try_emplace(key, SlotSource{&slot.tensor(), slot_path + ".tensor"}).second) {
        return FieldError(
            {slot_path + ".name", slot.name(), Reason::kDuplicateName, "given before"});
      }
    }
  }
  return absl::OkStatus();
}

std::optional<SlotSource> Plan::StateOf(int parameter, int slot) const {
  const auto found = states_.find({parameter, slot});
  return found == states_.end() ? std::nullopt : std::optional(found->second);
}

double Plan::InitialState(int slot) const {
  const v1::Optimizer& optimizer = problem_->optimizer();
  return FindOptimizerRule(optimizer.rule_case())->initial_state(optimizer, slot);
}

absl::StatusOr<Target> Plan::Locate(const Address& address) const {
  const std::optional<ValueId> id = graph_->Find(address.name);
  if (!id.has_value()) {
    return absl::InvalidArgumentError(
        fmt::format("no input, parameter or node is named '{}'", address.name));
  }
  const Value& value = graph_->value(*id);
  Target target = {{address.kind, *id}, address.updates, std::nullopt};
  switch (address.kind) {
    case QuantityKind::kSlope:
      if (!graph_->is_node(*id) || !graph_->node(*id).op->is_activation()) {
        return absl::InvalidArgumentError(
            fmt::format("'{}' has no slope, it is no elementwise activation", address.name));
      }
      break;
    case QuantityKind::kGradient:
      if (!value.has_gradient) {
        return absl::InvalidArgumentError(
            fmt::format("'{}' holds indices, it has no gradient", address.name));
      }
      break;
    case QuantityKind::kNext:
      if (value.kind != ValueKind::kParameter) {
        return absl::InvalidArgumentError(
            fmt::format("'{}' is no parameter, no update changes it", address.name));
      }
      break;
    case QuantityKind::kState: {
      if (value.kind != ValueKind::kParameter) {
        return absl::InvalidArgumentError(
            fmt::format("'{}' is no parameter, the optimizer keeps no state of it", address.name));
      }
      const auto found = std::find(slots_.begin(), slots_.end(), address.slot);
      if (found == slots_.end()) {
        return absl::InvalidArgumentError(
            slots_.empty()
                ? fmt::format("the optimizer keeps no state '{}'", FormatAddress(address))
                : fmt::format("the optimizer keeps no '{}', but {}", address.slot,
                              fmt::join(slots_, ", ")));
      }
      target.quantity.slot = static_cast<int>(found - slots_.begin());
      break;
    }
    case QuantityKind::kValue:
      // W@1 is next(W).
      if (value.kind == ValueKind::kParameter && target.update > 0) {
        target.quantity.kind = QuantityKind::kNext;
        --target.update;
      }
      break;
  }

  if (address.is_element) {
    const absl::StatusOr<int64_t> position = PositionOf(address, value.shape);
    if (!position.ok()) return position.status();
    target.element = *position;
  }
  return target;
}

absl::StatusOr<Target> Plan::Resolve(const Address& address) const {
  absl::StatusOr<Target> target = Locate(address);
  if (!target.ok()) return target;
  const Scope needed = ScopeFor(target->quantity.kind);
  if (needed > scope_) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not computed by {}", FormatAddress(address), ScopeName(scope_)));
  }
  if (target->update > 0 && scope_ != Scope::kStep) {
    return absl::InvalidArgumentError(fmt::format("'{}' comes after an update, {} makes none",
                                                  FormatAddress(address), ScopeName(scope_)));
  }
  const int last = needed == Scope::kStep ? update_count_ - 1 : update_count_;
  if (target->update > last) {
    return absl::InvalidArgumentError(fmt::format("'{}' comes after more updates than the {} made",
                                                  FormatAddress(address), update_count_));
  }
  return target;
}

void Plan::Need(const Target& target) {
  if (scope_ != Scope::kStep || target.update < update_count_) return;
  after_last_ = std::max(after_last_.value_or(Scope::kForward), ScopeFor(target.quantity.kind));
}

absl::Status Plan::AddPins(const google::protobuf::RepeatedPtrField<v1::Pin>& pins) {
  std::unordered_set<std::string> seen;
  for (int i = 0; i < pins.size(); ++i) {
    const v1::Pin& pin = pins[i];
    const std::string path = fmt::format("pins[{}]", i);
    const absl::StatusOr<Address> address = ParseAddress(pin.address());
    if (!address.ok()) {
      return FieldError(path + ".address", Reason::kInvalidValue,
                        std::string(address.status().message()));
    }
    const absl::StatusOr<Target> target = Resolve(*address);
    if (!target.ok()) {
      return FieldError(path + ".address", Reason::kUnknownName,
                        std::string(target.status().message()));
    }
    const std::string canonical = fmt::format("{}[{}]", AddressOf(target->quantity, target->update),
                                              target->element.value_or(-1));
    if (!seen.insert(canonical).second) {
      return FieldError(
          {path + ".address", pin.address(), Reason::kDuplicateName, "pinned before"});
    }
    const Shape& whole = ShapeOf(target->quantity);
    const absl::StatusOr<Shape> shape = ReadShape(pin.value(), whole.element_count());
    if (!shape.ok()) return WithFieldPrefix(shape.status(), path + ".value", pin.address());
    const bool fits = target->element.has_value() ? shape->element_count() == 1 : *shape == whole;
    if (!fits) {
      return FieldError(
          {path + ".value", pin.address(), Reason::kShapeMismatch,
           fmt::format("has shape {}, the quantity has {}", shape->ToString(),
                       target->element.has_value() ? "one element" : whole.ToString())});
    }
    Need(*target);
    pins_.push_back({*target, &pin.value(), path + ".value"});
  }
  return absl::OkStatus();
}

InputSource Plan::SourceOf(int input, int update) const {
  const auto i = static_cast<size_t>(input);
  if (!batch_inputs_.empty()) {
    // After the last update, the last batch's data once more.
    const size_t batch = std::min(static_cast<size_t>(update), batch_inputs_.size() - 1);
    const std::vector<int>& inputs = batch_inputs_[batch];
    const int index = inputs.empty() ? -1 : inputs[i];
    const int b = static_cast<int>(batch);
    if (index >= 0) return {&problem_->batches(b).inputs(index).tensor(), b, index};
  }
  const int index = problem_inputs_[i];
  return {&problem_->inputs(index).tensor(), -1, index};
}

std::vector<Quantity> Plan::Order(int update) const {
  std::vector<Quantity> order(graph_->value_order().begin(), graph_->value_order().end());
  const Scope scope = ScopeOf(update);
  if (scope >= Scope::kBackward) {
    order.insert(order.end(), graph_->gradient_order().begin(), graph_->gradient_order().end());
  }
  if (scope == Scope::kStep) {
    for (int i = 0; i < graph_->parameter_count(); ++i) {
      for (int slot = 0; slot < slot_count(); ++slot) {
        order.push_back({QuantityKind::kState, graph_->parameter(i), slot});
      }
      order.push_back({QuantityKind::kNext, graph_->parameter(i)});
    }
  }
  return order;
}

std::string Plan::AddressOf(const Quantity& quantity, int update) const {
  const Value& value = graph_->value(quantity.value);
  // A parameter after updates is what the last of them made.
  if (quantity.kind == QuantityKind::kValue && value.kind == ValueKind::kParameter && update > 0) {
    return AddressOf({QuantityKind::kNext, quantity.value}, update - 1);
  }
  const std::string_view slot =
      quantity.kind == QuantityKind::kState ? SlotName(quantity.slot) : "";
  return FormatQuantity(quantity.kind, value.name, slot, update);
}

double Plan::Flops() const {
  const GraphCost& cost = graph_->cost();
  double flops = 0;
  for (int update = 0; update < world_count(); ++update) {
    flops += cost.forward_flops + kFlopsPerElement * cost.value_elements +
             kFlopsPerQuantity * static_cast<double>(graph_->values().size());
    if (ScopeOf(update) < Scope::kBackward) continue;
    flops += cost.backward_flops + kFlopsPerElement * cost.gradient_elements +
             kFlopsPerQuantity * static_cast<double>(graph_->gradient_order().size());
    if (ScopeOf(update) < Scope::kStep) continue;
    const double tensors_per_parameter = 1 + slot_count();
    flops += tensors_per_parameter * (kFlopsPerUpdatedElement * cost.parameter_elements +
                                      kFlopsPerQuantity * graph_->parameter_count());
  }
  return flops;
}

ResponseSize Plan::SizeOf(const Quantity& quantity) const {
  const Value& value = graph_->value(quantity.value);
  return {1, static_cast<double>(value.name.size()) +
                 sizeof(double) * static_cast<double>(value.shape.element_count())};
}

ResponseSize Plan::SizeOfAll() const {
  const GraphCost& cost = graph_->cost();
  ResponseSize size;
  for (int update = 0; update < world_count(); ++update) {
    size += {static_cast<double>(graph_->values().size()),
             sizeof(double) * cost.value_elements + cost.name_bytes};
    if (ScopeOf(update) < Scope::kBackward) continue;
    // A value has at most a slope and a gradient.
    size += {static_cast<double>(graph_->gradient_order().size()),
             sizeof(double) * cost.gradient_elements + 2 * cost.name_bytes};
    if (ScopeOf(update) == Scope::kStep) size += SizeOfUpdate();
  }
  return size;
}

ResponseSize Plan::SizeOfUpdate() const {
  ResponseSize size;
  for (int i = 0; i < graph_->parameter_count(); ++i) {
    const ResponseSize parameter = SizeOf({QuantityKind::kNext, graph_->parameter(i)});
    for (int tensor = 0; tensor < 1 + slot_count(); ++tensor) size += parameter;
  }
  return size;
}

double Plan::BytesToExecute() const {
  // Of each value: its places among values, slopes, gradients and updates, and in the orders.
  constexpr double kBytesPerValue = 1000;
  constexpr double kBytesPerPin = 500;
  const GraphCost& cost = graph_->cost();
  double elements = cost.value_elements;
  if (scope_ >= Scope::kBackward) {
    elements += cost.gradient_elements;
    // The upstream gradient.
    elements += static_cast<double>(graph_->value(*graph_->objective()).shape.element_count());
  }
  // Each parameter after the update, and its state before and after.
  if (scope_ == Scope::kStep) elements += cost.parameter_elements * (1 + 2 * slot_count());
  // What an earlier update made is there until it is replaced.
  if (world_count() > 1) elements += cost.largest_elements;
  for (const ResolvedPin& pin : pins_) {
    elements += pin.target.element.has_value()
                    ? 1
                    : static_cast<double>(ShapeOf(pin.target.quantity).element_count());
  }
  const double width =
      problem_->precision() == v1::PRECISION_FLOAT ? sizeof(float) : sizeof(double);
  return width * elements + cost.scratch_bytes +
         kBytesPerValue * static_cast<double>(graph_->values().size()) +
         kBytesPerPin * static_cast<double>(pins_.size());
}

absl::Status Plan::CheckCost(const Limits& limits, const ResponseSize& response) const {
  if (response.wire_bytes() > limits.max_response_bytes) {
    return FieldError("trace", Reason::kLimitExceeded,
                      fmt::format("returning this takes about {:.0f} bytes, the limit is {:.0f}; "
                                  "name what you need in only",
                                  response.wire_bytes(), limits.max_response_bytes));
  }
  if (const double bytes = BytesToExecute() + response.bytes(); bytes > limits.max_bytes) {
    return FieldError("network", Reason::kLimitExceeded,
                      fmt::format("computing this takes about {:.0f} bytes, the limit is {:.0f}",
                                  bytes, limits.max_bytes));
  }
  if (const double flops = Flops(); flops > limits.max_flops) {
    return FieldError("network", Reason::kLimitExceeded,
                      fmt::format("computing this takes about {:.2g} floating-point operations, "
                                  "the limit is {:.2g}",
                                  flops, limits.max_flops));
  }
  return absl::OkStatus();
}

double Plan::EstimatedMicroseconds() const { return Flops() / kFlopsPerMicrosecond; }

}  // namespace gradus
