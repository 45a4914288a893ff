#include "tests/ops/large_call.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "server/ops/registry.h"
#include "tests/ops/op_cases.h"
#include "tests/ops/run_op.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

constexpr double kFlops = 1.5e6;
constexpr int64_t kMaxElements = int64_t{1} << 22;

bool IsProduct(std::string_view op) {
  for (const std::string_view name :
       {"dense", "mat_mul", "conv1d", "conv2d", "conv_transpose2d", "attention"}) {
    if (op == name) return true;
  }
  return op.ends_with("_cell");
}

// Every axis `factor` times as long, but those that may be there to be broadcast.
Shape Enlarged(const Shape& shape, int64_t factor) {
  Shape enlarged = shape;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] > 1) enlarged[axis] *= factor;
  }
  return enlarged;
}

std::optional<LargeCall> Enlarge(const v1::Node& node, const std::vector<Shape>& small,
                                 double least_flops) {
  for (int64_t factor = 2; factor < (1 << 22); factor *= 2) {
    std::vector<Shape> shapes;
    for (const Shape& shape : small) {
      const Shape enlarged = Enlarged(shape, factor);
      if (enlarged.element_count() > kMaxElements) return std::nullopt;
      shapes.push_back(enlarged);
    }
    const auto output = InferShape(node, shapes);
    if (!output.ok() || output->element_count() > kMaxElements) return std::nullopt;
    const ShapeCall call = {node, shapes};
    const double flops = OpOfNode(node).flops(call, *output);
    if (flops < least_flops) continue;
    LargeCall large = {node, {}, *output, flops};
    const auto index = OpOfNode(node).index_operand(call);
    for (size_t i = 0; i < shapes.size(); ++i) {
      Tensor<double>& operand = large.operands.emplace_back(shapes[i]);
      const bool is_index = index.has_value() && index->position == static_cast<int>(i);
      for (int64_t k = 0; k < operand.size() && !is_index; ++k) {
        operand[k] = 0.1 + 0.01 * static_cast<double>((k + 7 * static_cast<int64_t>(i)) % 80);
      }
    }
    return large;
  }
  return std::nullopt;
}

int64_t CountNumbers(const std::vector<Shape>& shapes) {
  int64_t numbers = 0;
  for (const Shape& shape : shapes) numbers += shape.element_count();
  return numbers;
}

}  // namespace

std::optional<LargeCall> FindLargeCall(const std::string& op, double flops_of_product) {
  const double least_flops = IsProduct(op) ? flops_of_product : kFlops;
  // These have a shape as an attribute.
  if (op == "reshape")
    return Enlarge(FromText<v1::Node>("reshape { shape: -1 }"), {{2, 3}}, least_flops);
  if (op == "broadcast") {
    LargeCall large = {FromText<v1::Node>("broadcast { shape: [ 2048, 2500 ] }"), {}, {}, kFlops};
    large.operands.emplace_back(Shape{2500});
    for (int64_t k = 0; k < 2500; ++k) large.operands[0][k] = 1;
    large.output = *InferShape(large.node, {large.operands[0].shape()});
    return large;
  }
  std::vector<OpCase> rows;
  for (const OpCase& row : AllOpCases()) {
    if (OpOfNode(FromText<v1::Node>(row.op)).name() == op) rows.push_back(row);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const OpCase& a, const OpCase& b) {
    return CountNumbers(a.operands) > CountNumbers(b.operands);
  });
  for (const OpCase& row : rows) {
    std::optional<LargeCall> large = Enlarge(FromText<v1::Node>(row.op), row.operands, least_flops);
    if (large.has_value()) return large;
  }
  return std::nullopt;
}

std::vector<std::string> AllOpNames() {
  std::vector<std::string> names;
  for (const Op* op : AllOps()) names.emplace_back(op->name());
  return names;
}

}  // namespace gradus::testing
