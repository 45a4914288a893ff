#include "server/engine/plan.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "fmt/format.h"
#include "server/optimizers/optimizer.h"
#include "server/status/field_error.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

constexpr int kMaxBatches = 1000;

// By input of the network: which of the given tensors is meant, or -1.
absl::StatusOr<std::vector<int>> MatchInputs(
    const v1::Network& network, const google::protobuf::RepeatedPtrField<v1::NamedTensor>& given,
    const std::string& path) {
  std::unordered_map<std::string, int> declared;
  for (int i = 0; i < network.inputs_size(); ++i) declared.try_emplace(network.inputs(i).name(), i);
  std::vector<int> matched(static_cast<size_t>(network.inputs_size()), -1);
  for (int i = 0; i < given.size(); ++i) {
    const std::string& name = given[i].name();
    const auto found = declared.find(name);
    if (found == declared.end()) {
      return FieldError(fmt::format("{}[{}].name", path, i), Reason::kUnknownName,
                        fmt::format("the network declares no input named '{}'", name));
    }
    int& match = matched[static_cast<size_t>(found->second)];
    if (match >= 0) {
      return FieldError({fmt::format("{}[{}].name", path, i), name, Reason::kDuplicateName,
                         fmt::format("already given by {}[{}]", path, match)});
    }
    match = i;
  }
  return matched;
}

absl::StatusOr<Shape> ReadInputShape(const v1::NamedTensor& input, const std::string& path,
                                     const Limits& limits) {
  if (!input.has_tensor()) {
    return FieldError({path + ".tensor", input.name(), Reason::kMissingField, "unset"});
  }
  const absl::StatusOr<Shape> shape = ReadShape(input.tensor(), limits.max_tensor_elements);
  if (!shape.ok()) return WithFieldPrefix(shape.status(), path + ".tensor", input.name());
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

// How far a computation must go to make a quantity.
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

absl::StatusOr<Plan> Plan::Make(const v1::Problem& problem, Scope scope, const Limits& limits) {
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

  auto problem_inputs = MatchInputs(network, problem.inputs(), "inputs");
  if (!problem_inputs.ok()) return problem_inputs.status();
  std::vector<Shape> shapes;
  for (int i = 0; i < network.inputs_size(); ++i) {
    const int match = (*problem_inputs)[static_cast<size_t>(i)];
    if (match < 0) {
      return FieldError(
          "inputs", Reason::kMissingField,
          fmt::format("network.inputs[{}] '{}' has no numbers", i, network.inputs(i).name()));
    }
    auto shape = ReadInputShape(problem.inputs(match), fmt::format("inputs[{}]", match), limits);
    if (!shape.ok()) return shape.status();
    shapes.push_back(*shape);
  }

  auto graph =
      Graph::Build(network, shapes, scope == Scope::kForward ? "" : problem.objective(), limits);
  if (!graph.ok()) return graph.status();
  Plan plan(problem, scope, *std::move(graph));
  plan.problem_inputs_ = *std::move(problem_inputs);
  if (scope != Scope::kForward) {
    if (absl::Status s = plan.CheckUpstream(limits); !s.ok()) return s;
  }
  if (scope != Scope::kStep) return plan;

  if (absl::Status s = plan.CheckStep(); !s.ok()) return s;
  for (int b = 0; b < problem.batches_size(); ++b) {
    const std::string path = fmt::format("batches[{}].inputs", b);
    auto matched = MatchInputs(network, problem.batches(b).inputs(), path);
    if (!matched.ok()) return matched.status();
    for (size_t i = 0; i < matched->size(); ++i) {
      const int match = (*matched)[i];
      if (match < 0) continue;
      const v1::NamedTensor& input = problem.batches(b).inputs(match);
      const std::string input_path = fmt::format("{}[{}]", path, match);
      auto shape = ReadInputShape(input, input_path, limits);
      if (!shape.ok()) return shape.status();
      if (*shape != shapes[i]) {
        return FieldError({input_path + ".tensor", input.name(), Reason::kShapeMismatch,
                           fmt::format("has shape {}, in Problem.inputs it has {}",
                                       shape->ToString(), shapes[i].ToString())});
      }
    }
    plan.batch_inputs_.push_back(*std::move(matched));
  }
  return plan;
}

absl::Status Plan::CheckUpstream(const Limits& limits) const {
  const Shape& objective = ShapeOf({QuantityKind::kValue, *graph_.objective()});
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

absl::Status Plan::CheckStep() {
  const v1::Optimizer& optimizer = problem_->optimizer();
  const OptimizerRule* rule = FindOptimizerRule(optimizer.rule_case());
  if (rule == nullptr) {
    return FieldError("optimizer", Reason::kMissingField,
                      "unset, or a rule that this server does not know");
  }
  if (absl::Status s = rule->validate(optimizer); !s.ok()) return WithFieldPrefix(s, "optimizer");
  const v1::OptimizerState& state = problem_->optimizer_state();
  if (state.update_count() < 0) {
    return FieldError("optimizer_state.update_count", Reason::kInvalidValue,
                      fmt::format("{} is negative", state.update_count()));
  }
  if (state.parameters_size() > 0) {
    return FieldError("optimizer_state.parameters", Reason::kInvalidValue,
                      "this optimizer keeps no state");
  }
  if (problem_->batches_size() > kMaxBatches) {
    return FieldError(
        "batches", Reason::kLimitExceeded,
        fmt::format("{} batches, the limit is {}", problem_->batches_size(), kMaxBatches));
  }
  update_count_ = std::max(1, problem_->batches_size());
  return absl::OkStatus();
}

absl::StatusOr<Target> Plan::Resolve(const Address& address) const {
  const std::string text = FormatAddress(address);
  const std::optional<ValueId> id = graph_.Find(address.name);
  if (!id.has_value()) {
    return absl::InvalidArgumentError(
        fmt::format("no input, parameter or node is named '{}'", address.name));
  }
  const Value& value = graph_.value(*id);
  Target target = {{address.kind, *id}, address.updates, std::nullopt};
  switch (address.kind) {
    case QuantityKind::kSlope:
      if (!graph_.is_node(*id) || !graph_.node(*id).op->is_activation()) {
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
    case QuantityKind::kState:
      return absl::InvalidArgumentError(fmt::format("the optimizer keeps no state '{}'", text));
    case QuantityKind::kValue:
      // W@1 is next(W).
      if (value.kind == ValueKind::kParameter && target.update > 0) {
        target.quantity.kind = QuantityKind::kNext;
        --target.update;
      }
      break;
  }

  const Scope needed = ScopeFor(target.quantity.kind);
  if (target.update > update_count_ || (target.update > 0 && scope_ != Scope::kStep) ||
      (target.update == update_count_ && scope_ == Scope::kStep && needed == Scope::kStep)) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' comes after more updates than the {} made", text, update_count_));
  }
  if (needed > scope_) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not computed by {}", text, ScopeName(scope_)));
  }
  if (address.is_element) {
    const absl::StatusOr<int64_t> position = PositionOf(address, value.shape);
    if (!position.ok()) return position.status();
    target.element = *position;
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
    const int match = batch_inputs_[batch][i];
    if (match >= 0) {
      return {&problem_->batches(static_cast<int>(batch)).inputs(match).tensor(),
              fmt::format("batches[{}].inputs[{}].tensor", batch, match)};
    }
  }
  const int match = problem_inputs_[i];
  return {&problem_->inputs(match).tensor(), fmt::format("inputs[{}].tensor", match)};
}

std::vector<Quantity> Plan::Order(int update) const {
  std::vector<Quantity> order(graph_.value_order().begin(), graph_.value_order().end());
  const Scope scope = ScopeOf(update);
  if (scope >= Scope::kBackward) {
    order.insert(order.end(), graph_.gradient_order().begin(), graph_.gradient_order().end());
  }
  if (scope == Scope::kStep) {
    for (int i = 0; i < graph_.parameter_count(); ++i) {
      order.push_back({QuantityKind::kNext, graph_.parameter(i)});
    }
  }
  return order;
}

std::string Plan::AddressOf(const Quantity& quantity, int update) const {
  const Value& value = graph_.value(quantity.value);
  // A parameter after updates is what the last of them made.
  if (quantity.kind == QuantityKind::kValue && value.kind == ValueKind::kParameter && update > 0) {
    return AddressOf({QuantityKind::kNext, quantity.value}, update - 1);
  }
  return FormatAddress(
      {.kind = quantity.kind, .name = value.name, .slot = "", .updates = update, .indices = {}});
}

double Plan::Flops() const {
  const GraphCost& cost = graph_.cost();
  double flops = 0;
  for (int update = 0; update < world_count(); ++update) {
    flops += cost.forward_flops;
    if (ScopeOf(update) >= Scope::kBackward) flops += cost.backward_flops;
  }
  return flops;
}

double Plan::AllElements() const {
  const GraphCost& cost = graph_.cost();
  double elements = 0;
  for (int update = 0; update < world_count(); ++update) {
    elements += cost.value_elements;
    if (ScopeOf(update) >= Scope::kBackward) elements += cost.gradient_elements;
  }
  return elements;
}

absl::Status Plan::CheckCost(const Limits& limits, double returned_elements) const {
  const double width =
      problem_->precision() == v1::PRECISION_FLOAT ? sizeof(float) : sizeof(double);
  const double response_bytes = sizeof(double) * returned_elements;
  if (response_bytes > limits.max_response_bytes) {
    return FieldError("trace", Reason::kLimitExceeded,
                      fmt::format("returning this takes {:.0f} bytes, the limit is {:.0f}; name "
                                  "what you need in only",
                                  response_bytes, limits.max_response_bytes));
  }
  // One world, and the parameters after its update, which are no more than its values.
  const double bytes =
      width * (2 * graph_.cost().value_elements + graph_.cost().gradient_elements) + response_bytes;
  if (bytes > limits.max_bytes) {
    return FieldError("network", Reason::kLimitExceeded,
                      fmt::format("computing this takes {:.0f} bytes, the limit is {:.0f}", bytes,
                                  limits.max_bytes));
  }
  if (const double flops = Flops(); flops > limits.max_flops) {
    return FieldError("network", Reason::kLimitExceeded,
                      fmt::format("computing this takes about {:.2g} floating-point operations, "
                                  "the limit is {:.2g}",
                                  flops, limits.max_flops));
  }
  return absl::OkStatus();
}

double Plan::EstimatedMicroseconds() const {
  constexpr double kPerQuantity = 0.15;  // allocation, dispatch, writing the trace
  constexpr double kPerElement = 0.002;  // reading and writing one number
  constexpr double kPerFlop = 0.0005;
  const auto quantities = static_cast<double>(
      graph_.values().size() + (graph_.value_order().size() + graph_.gradient_order().size()) *
                                   static_cast<size_t>(world_count()));
  return kPerQuantity * quantities + kPerElement * AllElements() + kPerFlop * Flops();
}

}  // namespace gradus
