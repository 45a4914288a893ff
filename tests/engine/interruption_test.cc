// Work that would take hours ends when it is cancelled, within one op.
#include <atomic>
#include <limits>
#include <string>
#include <thread>

#include "gtest/gtest.h"

#include "server/engine/execute.h"
#include "server/engine/plan.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

// Two nodes of 10^14 products each, over few numbers.
v1::Problem EndlessProblem(const std::string& objective) {
  auto problem = FromText<v1::Problem>(R"pb(
    network {
      parameters { name: "a" }
      nodes {
        name: "z"
        inputs: [ "a", "a", "a" ]
        einsum { equation: "abc,def,ghi->" }
      }
    }
  )pb");
  v1::Tensor& a = *problem.mutable_network()->mutable_parameters(0)->mutable_value();
  for (int axis = 0; axis < 3; ++axis) a.add_shape(36);
  for (int i = 0; i < 36 * 36 * 36; ++i) a.add_values(1);
  problem.set_objective(objective);
  return problem;
}

TEST(InterruptionTest, CancelledByAnotherThreadWithinAnOp) {
  Limits limits;
  limits.max_flops = std::numeric_limits<double>::infinity();
  const v1::Problem problem = EndlessProblem("z");
  const auto plan = Plan::Make(problem, Scope::kBackward, limits);
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::atomic<bool> cancelled = false;
  std::atomic<bool> has_begun = false;
  std::thread canceller([&] {
    while (!has_begun) std::this_thread::yield();
    cancelled = true;
  });
  // Nothing comes between the parameter and the endless node.
  const absl::Status status =
      Execute<double>(*plan, cancelled, [&](const Quantity& q, int, const Tensor<double>&) {
        EXPECT_EQ(q.value, 0) << "an unfinished number was shown";
        has_begun = true;
      });
  canceller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace gradus::testing
