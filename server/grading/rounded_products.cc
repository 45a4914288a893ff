#include "server/grading/rounded_products.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gradus/v1/network.pb.h"

namespace gradus {
namespace {

constexpr double kMost = 8;

// Ops whose output elements are sums of products of their first two operands.
bool IsContraction(v1::Node::OpCase op) {
  switch (op) {
    case v1::Node::kDense:
    case v1::Node::kMatMul:
    case v1::Node::kEinsum:
    case v1::Node::kConv1D:
    case v1::Node::kConv2D:
    case v1::Node::kConvTranspose2D:
    case v1::Node::kRnnCell:
    case v1::Node::kGruCell:
    case v1::Node::kLstmCell:
    case v1::Node::kAttention:
      return true;
    default:
      return false;
  }
}

double Count(const Graph& graph, ValueId id) {
  return static_cast<double>(std::max<int64_t>(1, graph.value(id).shape.element_count()));
}

// Products in all elements of a contraction's output together.
double Products(const GraphNode& node) { return node.flops / 2; }

double OfValue(const Graph& graph, ValueId id) {
  if (!graph.is_node(id)) return 0;
  const GraphNode& node = graph.node(id);
  const double elements = Count(graph, id);
  if (IsContraction(node.op->op_case)) return Products(node) / elements;
  if (node.operands.empty()) return 0;
  return std::max(1.0, Count(graph, node.operands.front()) / elements);
}

// Terms that one element of a value's gradient gets from one of its readers.
double OfUse(const Graph& graph, ValueId id, const Use& use) {
  const GraphNode& reader = graph.node(use.node);
  if (IsContraction(reader.op->op_case) && use.position < 2) {
    return Products(reader) / Count(graph, id);
  }
  if (reader.op->op_case == v1::Node::kSoftmax || reader.op->op_case == v1::Node::kLogSoftmax) {
    return static_cast<double>(graph.value(id).shape.rank() > 0 ? graph.value(id).shape.back() : 1);
  }
  return std::max(1.0, Count(graph, use.node) / Count(graph, id));
}

}  // namespace

int RoundedProducts(const Graph& graph, int slot_count, const Quantity& q) {
  double products = 1;
  switch (q.kind) {
    case QuantityKind::kValue:
      products = OfValue(graph, q.value);
      break;
    case QuantityKind::kSlope:
      break;
    case QuantityKind::kGradient:
      products = 0;
      for (const Use& use : graph.value(q.value).uses) {
        if (graph.carries_gradient(use)) products += OfUse(graph, q.value, use);
      }
      break;
    case QuantityKind::kNext:
      // The learning rate times the gradient; with moments, their corrections and the root too.
      products = 1 + 2 * slot_count;
      break;
    case QuantityKind::kState:
      products = 2;
      break;
  }
  return static_cast<int>(std::min(kMost, std::round(products)));
}

}  // namespace gradus
