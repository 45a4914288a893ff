#include "server/engine/graph.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "server/ops/registry.h"
#include "server/status/field_error.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

// A printed cycle stops after so many names: an error message is not a place for a large network.
constexpr size_t kMaxCycleNames = 16;

std::string_view ListOf(ValueKind kind) {
  switch (kind) {
    case ValueKind::kInput:
      return "inputs";
    case ValueKind::kParameter:
      return "parameters";
    case ValueKind::kNode:
      break;
  }
  return "nodes";
}

std::string PathOf(const Value& value) {
  return fmt::format("network.{}[{}]", ListOf(value.kind), value.index);
}

std::string Arity(const Op& op) {
  const size_t named = op.operands.size();
  const auto required = static_cast<size_t>(op.required_operands);
  if (op.variadic) return fmt::format("{} or more operands", required);
  const std::string names =
      fmt::format("{}", fmt::join(op.operands.begin(), op.operands.end(), ", "));
  return required == named ? fmt::format("{} operand{} ({})", named, named == 1 ? "" : "s", names)
                           : fmt::format("{} to {} operands ({})", required, named, names);
}

}  // namespace

// Makes a Graph, step by step; each step relies on what the ones before it checked.
class GraphBuilder {
 public:
  GraphBuilder(const v1::Network& network, const Limits& limits, OpFinder find_op)
      : network_(network), limits_(limits), find_op_(find_op) {}

  absl::Status AddNames() {
    graph_.input_count_ = network_.inputs_size();
    graph_.parameter_count_ = network_.parameters_size();
    graph_.values_.reserve(static_cast<size_t>(network_.inputs_size()) +
                           static_cast<size_t>(network_.parameters_size()) +
                           static_cast<size_t>(network_.nodes_size()));
    for (const v1::Input& input : network_.inputs()) {
      if (absl::Status s = AddValue(input.name(), ValueKind::kInput); !s.ok()) return s;
    }
    for (const v1::Parameter& parameter : network_.parameters()) {
      if (absl::Status s = AddValue(parameter.name(), ValueKind::kParameter); !s.ok()) return s;
    }
    for (const v1::Node& node : network_.nodes()) {
      if (absl::Status s = AddValue(node.name(), ValueKind::kNode); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  absl::Status SetGivenShapes(std::span<const Shape> input_shapes) {
    for (int i = 0; i < graph_.input_count_; ++i) {
      ValueOf(graph_.input(i)).shape = input_shapes[static_cast<size_t>(i)];
    }
    for (int i = 0; i < graph_.parameter_count_; ++i) {
      Value& value = ValueOf(graph_.parameter(i));
      if (!network_.parameters(i).has_value()) {
        return FieldError({PathOf(value) + ".value", value.name, Reason::kMissingField,
                           "unset; a parameter brings its numbers"});
      }
      const absl::StatusOr<Shape> shape =
          ReadShape(network_.parameters(i).value(), limits_.max_tensor_elements);
      if (!shape.ok()) {
        return WithFieldPrefix(shape.status(), PathOf(value) + ".value", value.name);
      }
      value.shape = *shape;
    }
    return absl::OkStatus();
  }

  absl::Status ResolveNodes() {
    for (int i = 0; i < network_.nodes_size(); ++i) {
      const v1::Node& definition = network_.nodes(i);
      const auto path = [i] { return fmt::format("network.nodes[{}]", i); };
      const Op* op = find_op_(definition.op_case());
      if (op == nullptr) {
        return FieldError({path() + ".op", definition.name(), Reason::kUnknownOp,
                           "unset, or an op that this server does not know"});
      }
      const int given = definition.inputs_size();
      if (given < op->required_operands ||
          (!op->variadic && given > static_cast<int>(op->operands.size()))) {
        return FieldError({path() + ".inputs", definition.name(), Reason::kInvalidValue,
                           fmt::format("{} takes {}, {} given", op->name(), Arity(*op), given)});
      }
      GraphNode node = {definition, op, {}};
      node.operands.reserve(static_cast<size_t>(given));
      for (int position = 0; position < given; ++position) {
        const std::optional<ValueId> operand = graph_.Find(definition.inputs(position));
        if (!operand.has_value()) {
          return FieldError({fmt::format("{}.inputs[{}]", path(), position), definition.name(),
                             Reason::kUnknownName,
                             fmt::format("no input, parameter or node is named '{}'",
                                         definition.inputs(position))});
        }
        node.operands.push_back(*operand);
      }
      graph_.nodes_.push_back(std::move(node));
    }
    return absl::OkStatus();
  }

  // Kahn's algorithm; among nodes that are ready, the one given first comes first.
  absl::Status Sort() {
    const size_t count = graph_.nodes_.size();
    std::vector<int> waiting_for(count, 0);
    std::vector<std::vector<int>> readers(count);
    for (size_t i = 0; i < count; ++i) {
      for (const ValueId operand : graph_.nodes_[i].operands) {
        if (!graph_.is_node(operand)) continue;
        ++waiting_for[i];
        readers[NodeIndex(operand)].push_back(static_cast<int>(i));
      }
    }
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (size_t i = 0; i < count; ++i) {
      if (waiting_for[i] == 0) ready.push(static_cast<int>(i));
    }
    while (!ready.empty()) {
      const int next = ready.top();
      ready.pop();
      graph_.value_order_.push_back({QuantityKind::kValue, NodeId(next)});
      for (const int reader : readers[static_cast<size_t>(next)]) {
        if (--waiting_for[static_cast<size_t>(reader)] == 0) ready.push(reader);
      }
    }
    if (graph_.value_order_.size() < count) return CycleError(waiting_for);
    return absl::OkStatus();
  }

  absl::Status InferShapes() {
    size_t operands_before = 0;
    for (const Quantity& q : graph_.value_order_) {
      Value& value = ValueOf(q.value);
      GraphNode& node = graph_.nodes_[NodeIndex(q.value)];
      node.first_operand = operands_before;
      operands_before += node.operands.size();
      std::vector<Shape> operands;
      operands.reserve(node.operands.size());
      for (const ValueId operand : node.operands) operands.push_back(graph_.value(operand).shape);
      const ShapeCall call = {node.definition, operands};

      const absl::StatusOr<Shape> shape = node.op->infer_shape(call);
      if (!shape.ok()) return WithFieldPrefix(shape.status(), PathOf(value), value.name);
      if (!CheckedElementCount(shape->lengths(), limits_.max_tensor_elements).has_value()) {
        return FieldError({PathOf(value), value.name, Reason::kLimitExceeded,
                           fmt::format("its output of shape {} has more elements than the limit "
                                       "of {}",
                                       shape->ToString(), limits_.max_tensor_elements)});
      }
      value.shape = *shape;

      const std::optional<IndexOperand> index = node.op->index_operand(call);
      if (index.has_value()) {
        const ValueId input = node.operands[static_cast<size_t>(index->position)];
        if (graph_.value(input).kind != ValueKind::kInput) {
          return FieldError({fmt::format("{}.inputs[{}]", PathOf(value), index->position),
                             value.name, Reason::kInvalidValue,
                             fmt::format("indices must be an input of the network, '{}' is not",
                                         graph_.value(input).name)});
        }
        graph_.index_inputs_.push_back({input, q.value, index->count, index->ignored});
      }
      AddUses(q.value, node, index);
      AddCost(call, *shape, node);
    }
    for (int i = 0; i < graph_.input_count_; ++i) {
      Value& input = ValueOf(graph_.input(i));
      input.has_gradient = std::none_of(input.uses.begin(), input.uses.end(),
                                        [](const Use& use) { return use.is_index; });
    }
    return absl::OkStatus();
  }

  absl::Status SetObjective(std::string_view objective) {
    const std::optional<ValueId> id = graph_.Find(objective);
    if (!id.has_value() || !graph_.is_node(*id)) {
      return FieldError("objective", Reason::kUnknownName,
                        fmt::format("no node is named '{}'", objective));
    }
    graph_.objective_ = id;
    ValueOf(*id).reaches_objective = true;
    for (auto q = graph_.value_order_.rbegin(); q != graph_.value_order_.rend(); ++q) {
      if (!graph_.value(q->value).reaches_objective) continue;
      const GraphNode& node = graph_.node(q->value);
      for (const ValueId operand : node.operands) ValueOf(operand).reaches_objective = true;
    }
    return absl::OkStatus();
  }

  void OrderGradients() {
    // Inputs and parameters are complete with the first node that reads them, which is the last to
    // get its gradient. Without a reader they come at the end.
    std::vector<std::vector<ValueId>> complete_with(graph_.values_.size());
    std::vector<ValueId> unread;
    for (ValueId id = 0; !graph_.is_node(id); ++id) {
      const Value& value = graph_.value(id);
      if (!value.has_gradient) continue;
      if (value.uses.empty()) {
        unread.push_back(id);
      } else {
        complete_with[static_cast<size_t>(value.uses.front().node)].push_back(id);
      }
    }
    for (auto q = graph_.value_order_.rbegin(); q != graph_.value_order_.rend(); ++q) {
      OrderGradient(q->value);
      for (const ValueId id : complete_with[static_cast<size_t>(q->value)]) OrderGradient(id);
    }
    for (const ValueId id : unread) OrderGradient(id);
  }

  Graph Finish() { return std::move(graph_); }

 private:
  absl::Status AddValue(const std::string& name, ValueKind kind) {
    const auto id = static_cast<ValueId>(graph_.values_.size());
    const int first = kind == ValueKind::kInput ? 0
                      : kind == ValueKind::kParameter
                          ? graph_.input_count_
                          : graph_.input_count_ + graph_.parameter_count_;
    graph_.values_.push_back(
        {.name = name, .kind = kind, .index = id - first, .shape = {}, .uses = {}});
    const auto path = [&] { return PathOf(graph_.values_.back()) + ".name"; };
    if (!IsName(name)) {
      return FieldError(path(), Reason::kInvalidValue, ExplainNoName(name));
    }
    const auto [known, is_new] = graph_.ids_.try_emplace(name, id);
    if (!is_new) {
      return FieldError(
          {path(), name, Reason::kDuplicateName,
           fmt::format("already the name of {}", PathOf(graph_.value(known->second)))});
    }
    return absl::OkStatus();
  }

  // Some nodes still wait: walk from one of them to one that it waits for, until a node comes
  // again.
  absl::Status CycleError(const std::vector<int>& waiting_for) const {
    const auto waits = [&](size_t node) { return waiting_for[node] > 0; };
    size_t at = 0;
    while (!waits(at)) ++at;
    std::vector<size_t> walk;
    std::vector<bool> seen(waiting_for.size(), false);
    while (!seen[at]) {
      seen[at] = true;
      walk.push_back(at);
      for (const ValueId operand : graph_.nodes_[at].operands) {
        if (graph_.is_node(operand) && waits(NodeIndex(operand))) {
          at = NodeIndex(operand);
          break;
        }
      }
    }
    // The walk went against the arrows, and its beginning may lie outside the cycle.
    std::vector<size_t> cycle(std::find(walk.begin(), walk.end(), at), walk.end());
    std::reverse(cycle.begin(), cycle.end());
    std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());

    std::vector<std::string_view> names;
    for (const size_t node : cycle) {
      if (names.size() == kMaxCycleNames) {
        names.emplace_back("...");
        break;
      }
      names.push_back(network_.nodes(static_cast<int>(node)).name());
    }
    names.push_back(names.front());
    return FieldError(fmt::format("network.nodes[{}]", cycle.front()), Reason::kCycle,
                      fmt::format("cycle {}", fmt::join(names.begin(), names.end(), " -> ")));
  }

  void AddUses(ValueId id, const GraphNode& node, const std::optional<IndexOperand>& index) {
    for (size_t i = 0; i < node.operands.size(); ++i) {
      const int position = static_cast<int>(i);
      const bool is_index = index.has_value() && index->position == position;
      ValueOf(node.operands[i]).uses.push_back({id, position, is_index});
    }
  }

  void AddCost(const ShapeCall& call, const Shape& output, GraphNode& node) {
    // A vector-Jacobian product costs about as much per operand as the forward call.
    // The cost of a variadic op is already that of all its operands.
    node.flops = node.op->flops(call, output);
    graph_.cost_.scratch_bytes =
        std::max(graph_.cost_.scratch_bytes, sizeof(double) * node.op->scratch(call, output));
    graph_.cost_.forward_flops += node.flops;
    graph_.cost_.backward_flops +=
        node.flops * (node.op->variadic ? 1 : static_cast<double>(call.operands.size()));
  }

  void OrderGradient(ValueId id) {
    const Value& value = graph_.value(id);
    for (const Use& use : value.uses) {
      if (graph_.goes_through_slope(use)) {
        graph_.gradient_order_.push_back({QuantityKind::kSlope, use.node});
      }
    }
    graph_.gradient_order_.push_back({QuantityKind::kGradient, id});
  }

  Value& ValueOf(ValueId id) { return graph_.values_[static_cast<size_t>(id)]; }
  ValueId NodeId(int index) const { return graph_.input_count_ + graph_.parameter_count_ + index; }
  size_t NodeIndex(ValueId id) const {
    return static_cast<size_t>(id - graph_.input_count_ - graph_.parameter_count_);
  }

  const v1::Network& network_;
  const Limits& limits_;
  const OpFinder find_op_;
  Graph graph_;
};

absl::Status CheckCounts(const v1::Network& network, const Limits& limits) {
  if (network.nodes_size() == 0) {
    return FieldError("network.nodes", Reason::kMissingField,
                      "empty; a network has at least one node");
  }
  const int64_t names =
      int64_t{network.inputs_size()} + network.parameters_size() + network.nodes_size();
  if (names > limits.max_names) {
    return FieldError(
        "network", Reason::kLimitExceeded,
        fmt::format("{} inputs, parameters and nodes, the limit is {}", names, limits.max_names));
  }
  int64_t operands = 0;
  for (const v1::Node& node : network.nodes()) operands += node.inputs_size();
  if (operands > limits.max_operands) {
    return FieldError("network.nodes", Reason::kLimitExceeded,
                      fmt::format("{} operands, the limit is {}", operands, limits.max_operands));
  }
  return absl::OkStatus();
}

absl::StatusOr<Graph> Graph::Build(const v1::Network& network, std::span<const Shape> input_shapes,
                                   std::string_view objective, const Limits& limits,
                                   OpFinder find_op) {
  GraphBuilder builder(network, limits, find_op);
  if (absl::Status s = builder.AddNames(); !s.ok()) return s;
  if (absl::Status s = builder.SetGivenShapes(input_shapes); !s.ok()) return s;
  if (absl::Status s = builder.ResolveNodes(); !s.ok()) return s;
  if (absl::Status s = builder.Sort(); !s.ok()) return s;
  if (absl::Status s = builder.InferShapes(); !s.ok()) return s;
  if (!objective.empty()) {
    if (absl::Status s = builder.SetObjective(objective); !s.ok()) return s;
    builder.OrderGradients();
  }
  Graph graph = builder.Finish();
  for (const Value& value : graph.values_) {
    graph.cost_.value_elements += static_cast<double>(value.shape.element_count());
    graph.cost_.largest_elements =
        std::max(graph.cost_.largest_elements, static_cast<double>(value.shape.element_count()));
    graph.cost_.name_bytes += static_cast<double>(value.name.size());
    if (value.kind == ValueKind::kParameter) {
      graph.cost_.parameter_elements += static_cast<double>(value.shape.element_count());
    }
  }
  for (const Quantity& q : graph.gradient_order_) {
    graph.cost_.gradient_elements +=
        static_cast<double>(graph.value(q.value).shape.element_count());
  }
  return graph;
}

std::optional<ValueId> Graph::Find(std::string_view name) const {
  const auto found = ids_.find(std::string(name));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace gradus
