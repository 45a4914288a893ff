// Every op of the catalogue can be interrupted: at sizes that take long, it looks often, and what
// it leaves when it is told to stop is unfinished.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

#include "server/kernels/interruption.h"
#include "tests/ops/op_cases.h"
#include "tests/ops/run_op.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

// Of one forward call, at least: small enough for all ops to be tried.
constexpr double kFlops = 1.5e6;
// Of a matrix product, which is interrupted between slices of some milliseconds.
constexpr double kFlopsOfProduct = 2e8;
constexpr double kMaxFlopsPerLook = 5e7;
constexpr int64_t kMaxElements = int64_t{1} << 22;

bool IsProduct(std::string_view op) {
  for (const std::string_view name :
       {"dense", "mat_mul", "conv1d", "conv2d", "conv_transpose2d", "attention"}) {
    if (op == name) return true;
  }
  return op.ends_with("_cell");
}

struct LargeCall {
  v1::Node node;
  std::vector<Tensor<double>> operands;
  Shape output;
  double flops;
};

// Every axis `factor` times as long, but those that may be there to be broadcast.
Shape Enlarged(const Shape& shape, int64_t factor) {
  Shape enlarged = shape;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] > 1) enlarged[axis] *= factor;
  }
  return enlarged;
}

std::optional<LargeCall> Enlarge(const v1::Node& node, const std::vector<Shape>& small) {
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
    if (flops < (IsProduct(OpOfNode(node).name()) ? kFlopsOfProduct : kFlops)) continue;
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

// The largest row of the table that can be enlarged; of ops that have the shape as an attribute,
// one of its own.
std::optional<LargeCall> FindLargeCall(const std::string& op) {
  if (op == "reshape") return Enlarge(FromText<v1::Node>("reshape { shape: -1 }"), {{2, 3}});
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
    std::optional<LargeCall> large = Enlarge(FromText<v1::Node>(row.op), row.operands);
    if (large.has_value()) return large;
  }
  return std::nullopt;
}

// Runs `compute` on zeros of a shape; `stop_at` is the look that stops it. Returns the looks.
template <class F>
int CountLooks(const Shape& shape, int stop_at, F compute, Tensor<double>& result) {
  int looks = 0;
  const InterruptionScope scope([&] { return ++looks >= stop_at; });
  result = Tensor<double>(shape);
  compute(result);
  return looks;
}

class OpInterruptionTest : public ::testing::TestWithParam<std::string> {};

TEST_P(OpInterruptionTest, LooksOftenAndStops) {
  const std::optional<LargeCall> call = FindLargeCall(GetParam());
  ASSERT_TRUE(call.has_value()) << "no row of the table can be enlarged";
  const Op& op = OpOfNode(call->node);
  const auto pointers = PointersTo(call->operands);
  const OpCall<double> op_call = {call->node, pointers};
  constexpr int kNever = 1 << 30;
  const auto expect_interruptible = [&](const std::string& what, const Shape& shape,
                                        double least_looks, auto compute) {
    SCOPED_TRACE(what);
    Tensor<double> whole;
    const int looks = CountLooks(shape, kNever, compute, whole);
    EXPECT_GE(looks, least_looks);
    const Tensor<double> zeros(shape);
    if (looks < 3 || whole.values() == zeros.values()) return;  // nothing to stop
    Tensor<double> unfinished;
    CountLooks(shape, 2, compute, unfinished);
    EXPECT_NE(unfinished.values(), whole.values());
  };

  Tensor<double> output(call->output);
  op.For<double>().forward(op_call, output);
  // This one reads a single number of each example.
  const double few = GetParam() == "negative_log_likelihood" ? 1 : 3;
  const double least_looks = std::max(few, call->flops / kMaxFlopsPerLook);
  expect_interruptible("forward", call->output, least_looks,
                       [&](Tensor<double>& result) { op.For<double>().forward(op_call, result); });
  if (op.is_activation()) {
    expect_interruptible("slope", call->output, least_looks, [&](Tensor<double>& result) {
      op.For<double>().slope(op_call, output, result);
    });
  }
  Tensor<double> upstream(call->output);
  for (int64_t k = 0; k < upstream.size(); ++k) upstream[k] = 1 + static_cast<double>(k % 3);
  for (int position = op.is_activation() ? 1 : 0; position < op_call.operand_count(); ++position) {
    const Tensor<double>& operand = call->operands[static_cast<size_t>(position)];
    const std::vector<Shape> shapes = ShapesOf(call->operands);
    const auto index = op.index_operand({call->node, shapes});
    if (index.has_value() && index->position == position) continue;
    expect_interruptible("vjp of operand " + std::to_string(position), operand.shape(), 0,
                         [&](Tensor<double>& result) {
                           op.For<double>().vjp({op_call, output, upstream}, position, result);
                         });
  }
}

std::vector<std::string> AllOpNames() {
  std::vector<std::string> names;
  for (const Op* op : AllOps()) names.emplace_back(op->name());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, OpInterruptionTest, ::testing::ValuesIn(AllOpNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace gradus::testing
