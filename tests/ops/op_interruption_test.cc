// Every op of the catalogue can be interrupted: at sizes that take long, it looks often, and what
// it leaves when it is told to stop is unfinished.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "server/kernels/interruption.h"
#include "tests/ops/large_call.h"
#include "tests/ops/run_op.h"

namespace gradus::testing {
namespace {

// So that a matrix product is sliced.
constexpr double kFlopsOfProduct = 2e8;
// An op looks at least once per so many operations: a few slices of a matrix product.
constexpr double kMaxFlopsPerLook = 5e7;

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
  const std::optional<LargeCall> call = FindLargeCall(GetParam(), kFlopsOfProduct);
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

INSTANTIATE_TEST_SUITE_P(Catalogue, OpInterruptionTest, ::testing::ValuesIn(AllOpNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace gradus::testing
