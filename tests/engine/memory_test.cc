// What computing takes is never more than what the budget of bytes was told: counted by the
// allocations of this program, over all ops.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include "gtest/gtest.h"

#include "server/engine/evaluation.h"
#include "server/tensor/tensor_proto.h"
#include "tests/ops/large_call.h"

namespace {

// In bytes, of all that is allocated now, and the most that was.
std::atomic<int64_t> held = 0;
std::atomic<int64_t> peak = 0;

void* Allocate(size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  held += static_cast<int64_t>(malloc_usable_size(memory));
  peak = std::max(peak.load(), held.load());
  return memory;
}

void Free(void* memory) {
  held -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete[](void* memory) noexcept { Free(memory); }
void operator delete(void* memory, size_t) noexcept { Free(memory); }
void operator delete[](void* memory, size_t) noexcept { Free(memory); }

namespace gradus::testing {
namespace {

// Roughly what a graph and a plan of a few nodes take, and the pages to which large blocks are
// filled up.
constexpr double kFixed = 60'000;

// The sum of an op's output, which depends on inputs.
v1::Problem ProblemOf(const LargeCall& call, v1::Precision precision) {
  v1::Problem problem;
  v1::Network& network = *problem.mutable_network();
  v1::Node& node = *network.add_nodes();
  node = call.node;
  node.set_name("y");
  node.clear_inputs();
  for (size_t i = 0; i < call.operands.size(); ++i) {
    const std::string name = "x" + std::to_string(i);
    node.add_inputs(name);
    network.add_inputs()->set_name(name);
    v1::NamedTensor& input = *problem.add_inputs();
    input.set_name(name);
    WriteTensor(call.operands[i], v1::TENSOR_ENCODING_RAW_LE_F64, input.mutable_tensor());
  }
  v1::Node& sum = *network.add_nodes();
  sum.set_name("L");
  sum.add_inputs("y");
  sum.mutable_sum();
  problem.set_objective("L");
  problem.set_precision(precision);
  return problem;
}

class MemoryTest : public ::testing::TestWithParam<std::string> {};

TEST_P(MemoryTest, IsWithinTheEstimate) {
  const std::optional<LargeCall> call = FindLargeCall(GetParam(), /*flops_of_product=*/2e7);
  ASSERT_TRUE(call.has_value());
  Limits limits;
  limits.max_tensor_elements = int64_t{1} << 24;
  limits.max_response_bytes = limits.max_bytes = 1e9;
  for (const v1::Precision precision : {v1::PRECISION_DOUBLE, v1::PRECISION_FLOAT}) {
    for (const bool all : {false, true}) {
      v1::BackwardRequest request;
      *request.mutable_problem() = ProblemOf(*call, precision);
      request.mutable_trace()->set_none(!all);
      const int64_t before = held;
      peak = before;
      const auto evaluation = Prepare(request, limits);
      ASSERT_TRUE(evaluation.ok()) << evaluation.status();
      v1::BackwardResponse response;
      const std::atomic<bool> cancelled = false;
      ASSERT_TRUE(gradus::Run(*evaluation, cancelled, &response).ok());
      const Plan& plan = evaluation->plan;
      const double estimate = plan.BytesToExecute() + (all ? plan.SizeOfAll().bytes() : 0);
      const auto taken = static_cast<double>(peak - before);
      EXPECT_LE(taken, estimate + kFixed) << v1::Precision_Name(precision) << (all ? ", all" : "");
      // Nor far less: a budget that is too careful refuses what could be computed.
      EXPECT_GE(taken, 0.5 * estimate) << v1::Precision_Name(precision) << (all ? ", all" : "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, MemoryTest, ::testing::ValuesIn(AllOpNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace gradus::testing
