#ifndef GRADUS_SERVER_ENGINE_GRAPH_H_
#define GRADUS_SERVER_ENGINE_GRAPH_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"

#include "gradus/v1/network.pb.h"
#include "server/engine/limits.h"
#include "server/engine/quantity.h"
#include "server/ops/op.h"
#include "server/ops/registry.h"
#include "server/tensor/shape.h"

namespace gradus {

// Position of an input, a parameter or a node in Graph::values().
using ValueId = int;

enum class ValueKind { kInput, kParameter, kNode };

// A tensor that a computation makes, within one update.
struct Quantity {
  QuantityKind kind = QuantityKind::kValue;
  ValueId value = 0;
  int slot = 0;  // of kState: among the optimizer's

  friend bool operator==(const Quantity&, const Quantity&) = default;
  friend bool operator<(const Quantity& a, const Quantity& b) {
    return std::tie(a.kind, a.value, a.slot) < std::tie(b.kind, b.value, b.slot);
  }
};

// A place where a value is read.
struct Use {
  ValueId node;
  int position;   // among the node's operands
  bool is_index;  // read as indices: no gradient flows
};

// An input, a parameter or the output of a node.
struct Value {
  std::string name;
  ValueKind kind;
  int index;  // in Network.inputs, Network.parameters or Network.nodes
  Shape shape;
  std::vector<Use> uses;  // in topological order of the nodes
  bool reaches_objective = false;
  // False for inputs that any node reads as indices: whole numbers cannot move.
  bool has_gradient = true;
};

// What a node computes.
struct GraphNode {
  v1::Node definition;
  const Op* op;
  std::vector<ValueId> operands;
  // Where its operands begin among those of all nodes, in topological order.
  size_t first_operand = 0;
  // Estimated cost of computing its value.
  double flops = 0;
};

// An input whose numbers must be whole and from 0 to count - 1, or `ignored`, because `node` reads
// it as indices.
struct IndexInput {
  ValueId input;
  ValueId node;
  int64_t count;
  std::optional<int64_t> ignored;
};

// What quantities and numbers cost beyond the arithmetic, in floating-point operations: allocating,
// dispatching, reading and writing.
inline constexpr double kFlopsPerQuantity = 500;
inline constexpr double kFlopsPerElement = 4;

// What running a graph once costs.
struct GraphCost {
  double forward_flops = 0;
  double backward_flops = 0;
  double value_elements = 0;     // of all values, given and computed
  double gradient_elements = 0;  // of all gradients and slopes
  double parameter_elements = 0;
  double name_bytes = 0;  // of all names
  // Of the largest value; and the most that any op holds while it runs.
  double largest_elements = 0;
  double scratch_bytes = 0;
};

// Which op a node means: FindOp, but for tests of what happens with a wrong one.
using OpFinder = const Op* (*)(v1::Node::OpCase);

// Refuses a network with too many names or operands, or without nodes, before anything else looks
// at it.
absl::Status CheckCounts(const v1::Network& network, const Limits& limits);

// A network that is sound: names resolved, acyclic, shapes inferred, cost known. Code that holds a
// Graph does not check again. Immutable after Build, so safe from any thread; owns all that it
// needs.
class Graph {
 public:
  // `input_shapes` are the shapes of Network.inputs, by position. `objective` names the node to
  // differentiate; empty: there is none, and no gradient will be asked for. The network has passed
  // CheckCounts. Errors are FieldErrors with paths relative to the Problem. Numbers are not looked
  // at.
  static absl::StatusOr<Graph> Build(const v1::Network& network,
                                     std::span<const Shape> input_shapes,
                                     std::string_view objective, const Limits& limits,
                                     OpFinder find_op = &FindOp);

  // Inputs first, then parameters, then nodes, each in the order of the network.
  std::span<const Value> values() const { return values_; }
  const Value& value(ValueId id) const { return values_[static_cast<size_t>(id)]; }
  ValueId input(int index) const { return index; }
  int input_count() const { return input_count_; }
  ValueId parameter(int index) const { return input_count_ + index; }
  int parameter_count() const { return parameter_count_; }
  // `id` is a node.
  const GraphNode& node(ValueId id) const {
    return nodes_[static_cast<size_t>(id - input_count_ - parameter_count_)];
  }
  bool is_node(ValueId id) const { return id >= input_count_ + parameter_count_; }

  // Whether a gradient flows from the reading node to what it reads there.
  bool carries_gradient(const Use& use) const {
    return !use.is_index && value(use.node).reaches_objective;
  }
  // Whether it does so through the slope of an activation, which is a quantity of its own.
  bool goes_through_slope(const Use& use) const {
    return use.position == 0 && node(use.node).op->is_activation();
  }

  std::optional<ValueId> Find(std::string_view name) const;
  std::optional<ValueId> objective() const { return objective_; }

  // Values of the nodes, then slopes and gradients, in order of computation (trace.proto).
  std::span<const Quantity> value_order() const { return value_order_; }
  std::span<const Quantity> gradient_order() const { return gradient_order_; }

  std::span<const IndexInput> index_inputs() const { return index_inputs_; }
  const GraphCost& cost() const { return cost_; }

 private:
  friend class GraphBuilder;
  Graph() = default;

  std::vector<Value> values_;
  std::vector<GraphNode> nodes_;
  int input_count_ = 0;
  int parameter_count_ = 0;
  std::unordered_map<std::string, ValueId> ids_;
  std::optional<ValueId> objective_;
  std::vector<Quantity> value_order_;
  std::vector<Quantity> gradient_order_;
  std::vector<IndexInput> index_inputs_;
  GraphCost cost_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_GRAPH_H_
