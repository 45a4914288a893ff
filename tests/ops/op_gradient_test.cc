// Every row of the table, through the same body: the gradient against two oracles that know only
// the forward code, differences of it and dual numbers; and what every op promises besides, in each
// number system.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "fmt/format.h"
#include "server/checking/tolerance.h"
#include "server/kernels/map.h"
#include "tests/ops/op_cases.h"
#include "tests/ops/run_op.h"
#include "tests/support/numeric_gradient.h"
#include "tests/support/random.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

constexpr uint64_t kSeeds[] = {1, 2, 3};

// A row under a name that another row does not change: "dense_3" is the fourth row of dense.
struct NamedCase {
  std::string name;
  OpCase op_case;
};

std::vector<NamedCase> NamedCases() {
  std::vector<NamedCase> named;
  std::map<std::string, int> counts;
  for (const OpCase& op_case : AllOpCases()) {
    const std::string op = op_case.op.substr(0, op_case.op.find(' '));
    named.push_back({fmt::format("{}_{}", op, counts[op]++), op_case});
  }
  return named;
}

// What gtest prints of a row that fails.
void PrintTo(const NamedCase& named, std::ostream* os) {
  *os << named.op_case.op;
  for (const Shape& shape : named.op_case.operands) *os << " " << shape.ToString();
}

// A row with the numbers that a seed gives it.
struct Example {
  v1::Node node;
  std::vector<Tensor<double>> operands;
  Tensor<double> output;
  Tensor<double> upstream;
};

template <class To, class From>
Tensor<To> Convert(const Tensor<From>& tensor) {
  Tensor<To> converted(tensor.shape());
  Map(tensor, converted, [](const From& x) { return To(x); });
  return converted;
}

template <class To, class From>
std::vector<Tensor<To>> Convert(const std::vector<Tensor<From>>& tensors) {
  std::vector<Tensor<To>> converted;
  for (const Tensor<From>& tensor : tensors) converted.push_back(Convert<To>(tensor));
  return converted;
}

template <class T>
::testing::AssertionResult HasSameBits(const Tensor<T>& a, const Tensor<T>& b) {
  for (int64_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<std::array<char, sizeof(T)>>(a[i]) !=
        std::bit_cast<std::array<char, sizeof(T)>>(b[i])) {
      return ::testing::AssertionFailure() << fmt::format("element {}: {} and {}", i, a[i], b[i]);
    }
  }
  return ::testing::AssertionSuccess();
}

template <class T>
::testing::AssertionResult AreNear(const Tensor<T>& tensor, const Tensor<double>& reference,
                                   const Tolerance& tolerance) {
  for (int64_t i = 0; i < reference.size(); ++i) {
    if (!IsNear(tensor[i], reference[i], tolerance)) {
      return ::testing::AssertionFailure()
             << fmt::format("element {}: {}, expected {}", i, tensor[i], reference[i]);
    }
  }
  return ::testing::AssertionSuccess();
}

Example MakeExample(const OpCase& op_case, uint64_t seed) {
  Random random(seed);
  Example example;
  example.node = FromText<v1::Node>(op_case.op);
  example.operands = DrawOperands(op_case, random);
  example.output = Forward(example.node, example.operands);
  // No zeros, so that every output counts.
  example.upstream = AwayFromZero()(example.output.shape(), random);
  return example;
}

Tensor<double> GradientOf(const Example& e, int position) {
  return InputGradient(e.node, e.operands, e.output, e.upstream, position);
}

void ExpectMatchesTheOracle(const Example& e, int position, const Tolerance& tolerance) {
  const auto forward = [&](const Tensor<double>& x) {
    std::vector<Tensor<double>> operands = e.operands;
    operands[static_cast<size_t>(position)] = x;
    return Forward(e.node, operands);
  };
  const std::vector<Estimate> numeric =
      NumericGradient(forward, e.operands[static_cast<size_t>(position)], e.upstream);
  EXPECT_TRUE(Agree(GradientOf(e, position), numeric, tolerance));
}

// The derivative of the forward code, exact but for rounding.
void ExpectMatchesForwardMode(const Example& e, int position) {
  constexpr Tolerance kRounding = {1e-12, 1e-12};
  std::vector<Tensor<Dual>> operands = Convert<Dual>(e.operands);
  Tensor<Dual>& x = operands[static_cast<size_t>(position)];
  std::vector<Estimate> exact;
  for (int64_t i = 0; i < x.size(); ++i) {
    const Dual constant = x[i];
    x[i] = Dual(constant.value(), 1);
    const Tensor<Dual> output = Forward(e.node, operands);
    x[i] = constant;
    double sum = 0;
    for (int64_t k = 0; k < output.size(); ++k) sum += e.upstream[k] * output[k].derivative();
    exact.push_back({sum, 0});
  }
  EXPECT_TRUE(Agree(GradientOf(e, position), exact, kRounding));
}

// Operands known to within `radius`: those that hold indices exactly.
std::vector<Tensor<Interval>> Around(const Example& e, int index_position, double radius) {
  std::vector<Tensor<Interval>> operands;
  for (size_t p = 0; p < e.operands.size(); ++p) {
    const double r = static_cast<int>(p) == index_position ? 0 : radius;
    Tensor<Interval>& operand = operands.emplace_back(e.operands[p].shape());
    Map(e.operands[p], operand, [&](double x) { return Interval(x - r, x + r); });
  }
  return operands;
}

::testing::AssertionResult Contain(const Tensor<Interval>& intervals, const Tensor<double>& x) {
  for (int64_t i = 0; i < x.size(); ++i) {
    if (!intervals[i].Contains(x[i])) {
      return ::testing::AssertionFailure()
             << fmt::format("element {}: {} is not in [{}, {}]", i, x[i], intervals[i].lo(),
                            intervals[i].hi());
    }
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult AreNarrow(const Tensor<Interval>& intervals) {
  double largest = 1;
  for (int64_t i = 0; i < intervals.size(); ++i) {
    largest = std::max({largest, std::abs(intervals[i].lo()), std::abs(intervals[i].hi())});
  }
  for (int64_t i = 0; i < intervals.size(); ++i) {
    if (intervals[i].hi() - intervals[i].lo() > 1e-10 * largest) {
      return ::testing::AssertionFailure()
             << fmt::format("element {}: [{}, {}]", i, intervals[i].lo(), intervals[i].hi());
    }
  }
  return ::testing::AssertionSuccess();
}

// A number in an interval, or one of its ends, where a bound that is too narrow fails first.
double DrawFrom(const Interval& x, Random& random) {
  const double where = random.Uniform(-1, 2);
  return where <= 0 ? x.lo() : where >= 1 ? x.hi() : x.lo() + where * (x.hi() - x.lo());
}

// Output and gradients of every point in a box lie in what the op makes of the box; and a box that
// is one point stays small.
void ExpectContainsEveryPoint(const Example& e, int index_position) {
  Random random(5);
  const Tensor<Interval> upstream = Convert<Interval>(e.upstream);
  for (const double radius : {0.0, 1e-3}) {
    SCOPED_TRACE(fmt::format("intervals of radius {}", radius));
    const std::vector<Tensor<Interval>> box = Around(e, index_position, radius);
    const Tensor<Interval> output = Forward(e.node, box);
    constexpr int kPoints = 4;
    std::vector<Example> points(kPoints, e);
    for (Example& point : points) {
      for (size_t p = 0; p < box.size(); ++p) {
        Map(box[p], point.operands[p], [&](const Interval& x) { return DrawFrom(x, random); });
      }
      point.output = Forward(e.node, point.operands);
      EXPECT_TRUE(Contain(output, point.output));
    }
    if (radius == 0) {
      EXPECT_TRUE(AreNarrow(output));
    }
    for (int position = 0; position < static_cast<int>(box.size()); ++position) {
      if (position == index_position) continue;
      const Tensor<Interval> gradient = InputGradient(e.node, box, output, upstream, position);
      for (const Example& point : points) {
        EXPECT_TRUE(Contain(gradient, GradientOf(point, position)));
      }
      if (radius == 0) {
        EXPECT_TRUE(AreNarrow(gradient));
      }
    }
  }
}

void ExpectExactlyZeroForZeroUpstream(Example e, int position) {
  e.upstream = Tensor<double>(e.output.shape());
  const Tensor<double> gradient = GradientOf(e, position);
  for (const double value : gradient.values()) EXPECT_EQ(value, 0);
}

void ExpectSameBitsTwice(const Example& e, int position) {
  EXPECT_TRUE(HasSameBits(Forward(e.node, e.operands), e.output));
  EXPECT_TRUE(HasSameBits(GradientOf(e, position), GradientOf(e, position)));
}

void ExpectAddsToTheGradient(const Example& e, int position) {
  constexpr Tolerance kRounding = {1e-14, 1e-14};
  const Tensor<double> gradient = GradientOf(e, position);
  Random random(4);
  const Tensor<double> start = AwayFromZero()(gradient.shape(), random);
  Tensor<double> sum = start;
  AddInputGradient(e.node, e.operands, e.output, e.upstream, position, sum);
  Tensor<double> expected = start;
  for (int64_t i = 0; i < expected.size(); ++i) expected[i] += gradient[i];
  EXPECT_TRUE(AreNear(sum, expected, kRounding));
}

// Both are given the same numbers, rounded to float, so that only the computation differs. All
// numbers are of order 1, which makes the floor a few units in a float's last place.
void ExpectAgreesInFloat(Example e, int position) {
  constexpr Tolerance kFloat = {2e-6, 1e-6};
  const std::vector<Tensor<float>> operands = Convert<float>(e.operands);
  const Tensor<float> upstream = Convert<float>(e.upstream);
  e.operands = Convert<double>(operands);
  e.upstream = Convert<double>(upstream);
  e.output = Forward(e.node, e.operands);
  const Tensor<float> output = Forward(e.node, operands);
  EXPECT_TRUE(AreNear(output, e.output, kFloat));
  EXPECT_TRUE(AreNear(InputGradient(e.node, operands, output, upstream, position),
                      GradientOf(e, position), kFloat));
}

// One test per row, not one per row and promise: each is a process of its own under ctest.
class OpGradientTest : public ::testing::TestWithParam<NamedCase> {};

TEST_P(OpGradientTest, KeepsItsPromises) {
  const OpCase& op_case = GetParam().op_case;
  const v1::Node node = FromText<v1::Node>(op_case.op);
  const Op& op = OpOfNode(node);

  const auto shape = op.infer_shape({node, op_case.operands});
  ASSERT_TRUE(shape.ok()) << shape.status();
  EXPECT_EQ(*shape, op_case.output.value_or(op_case.operands[0])) << shape->ToString();

  // The engine decides by this which of the two it calls.
  const bool needs_vjp = !op.is_activation() || op_case.operands.size() > 1;
  EXPECT_EQ(op.For<double>().vjp != nullptr, needs_vjp);

  // A limit on work would mean nothing if an op could read numbers for free.
  const double flops = op.flops({node, op_case.operands}, *shape);
  EXPECT_TRUE(std::isfinite(flops));
  int64_t numbers_read = 0;
  for (const Shape& operand : op_case.operands) numbers_read += operand.element_count();
  EXPECT_GE(flops, static_cast<double>(numbers_read));

  const auto index = op.index_operand({node, op_case.operands});
  for (const uint64_t seed : kSeeds) {
    const Example example = MakeExample(op_case, seed);
    ExpectContainsEveryPoint(example, index.has_value() ? index->position : -1);
    for (int position = 0; position < static_cast<int>(example.operands.size()); ++position) {
      if (index.has_value() && index->position == position) continue;
      SCOPED_TRACE(fmt::format("seed {}, operand {}", seed, position));
      ExpectMatchesTheOracle(example, position, op_case.tolerance);
      ExpectMatchesForwardMode(example, position);
      ExpectExactlyZeroForZeroUpstream(example, position);
      ExpectSameBitsTwice(example, position);
      ExpectAddsToTheGradient(example, position);
      ExpectAgreesInFloat(example, position);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Table, OpGradientTest, ::testing::ValuesIn(NamedCases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gradus::testing
