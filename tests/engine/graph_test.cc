#include "server/engine/graph.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "server/engine/plan.h"
#include "server/status/field_error.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FromFile;
using testing::FromText;

// All quantities of a Step, by address.
std::vector<std::string> OrderOf(const v1::Problem& problem) {
  const auto plan = Plan::Make(problem, Scope::kStep, Limits());
  EXPECT_TRUE(plan.ok()) << plan.status();
  std::vector<std::string> order;
  for (const Quantity& q : plan->Order(0)) order.push_back(plan->AddressOf(q, 0));
  return order;
}

// "First wrong step" is defined by this order, so it is part of the contract.
TEST(OrderTest, OfTheHomework) {
  EXPECT_THAT(OrderOf(FromFile<v1::Problem>("examples/homework/problem_1.txtpb")),
              ElementsAre("z_h", "h", "o", "yhat", "L",                      //
                          "grad(L)", "grad(t)", "grad(yhat)",                //
                          "slope(yhat)", "grad(o)", "grad(W2)", "grad(b2)",  //
                          "grad(h)", "slope(h)", "grad(z_h)", "grad(x)", "grad(W1)", "grad(b1)",
                          "next(W1)", "next(b1)", "next(W2)", "next(b2)"));
}

TEST(OrderTest, KeepsTheGivenOrderAmongReadyNodes) {
  const auto problem = FromText<v1::Problem>(R"pb(
    network {
      inputs { name: "x" }
      parameters {
        name: "unread"
        value { values: 1 }
      }
      nodes {
        name: "sum"
        inputs: "late"
        inputs: "b"
        inputs: "a"
        add {}
      }
      nodes {
        name: "b"
        inputs: "x"
        tanh {}
      }
      nodes {
        name: "a"
        inputs: "x"
        sigmoid {}
      }
      nodes {
        name: "late"
        inputs: "b"
        identity {}
      }
    }
    inputs {
      name: "x"
      tensor { values: 1 }
    }
    objective: "sum"
    optimizer { sgd { learning_rate: 1 } }
  )pb");
  EXPECT_THAT(OrderOf(problem), ElementsAre("b", "a", "late", "sum",    //
                                            "grad(sum)", "grad(late)",  //
                                            "grad(a)", "slope(late)", "grad(b)", "slope(b)",
                                            "slope(a)", "grad(x)",  //
                                            "grad(unread)", "next(unread)"));
}

// A chain long enough to end any recursion.
TEST(GraphTest, LongChainsAreNoRecursion) {
  v1::Problem problem;
  problem.mutable_network()->add_inputs()->set_name("x");
  auto* input = problem.add_inputs();
  input->set_name("x");
  input->mutable_tensor()->add_values(1);
  constexpr int kLength = 9000;
  for (int i = 0; i < kLength; ++i) {
    v1::Node* node = problem.mutable_network()->add_nodes();
    node->set_name("n" + std::to_string(i));
    node->add_inputs(i == 0 ? "x" : "n" + std::to_string(i - 1));
    node->mutable_identity();
  }
  problem.set_objective("n" + std::to_string(kLength - 1));
  EXPECT_TRUE(Plan::Make(problem, Scope::kBackward, Limits()).ok());

  // Closed to a ring, it is a cycle, and its message stays short.
  problem.mutable_network()->mutable_nodes(0)->set_inputs(0, problem.objective());
  const auto plan = Plan::Make(problem, Scope::kBackward, Limits());
  EXPECT_EQ(plan.status().message(),
            "network.nodes[0]: cycle n0 -> n1 -> n2 -> n3 -> n4 -> n5 -> n6 -> n7 -> n8 -> n9 -> "
            "n10 -> n11 -> n12 -> n13 -> n14 -> n15 -> ... -> n0");
}

TEST(GraphTest, CycleBehindATail) {
  const auto problem = FromText<v1::Problem>(R"pb(
    network {
      nodes {
        name: "tail"
        inputs: "c"
        identity {}
      }
      nodes {
        name: "a"
        inputs: "c"
        identity {}
      }
      nodes {
        name: "b"
        inputs: "a"
        identity {}
      }
      nodes {
        name: "c"
        inputs: "b"
        identity {}
      }
    }
  )pb");
  EXPECT_EQ(Plan::Make(problem, Scope::kForward, Limits()).status().message(),
            "network.nodes[1]: cycle a -> b -> c -> a");
}

TEST(GraphTest, NodeThatReadsItself) {
  const auto problem = FromText<v1::Problem>(R"pb(
    network {
      nodes {
        name: "a"
        inputs: "a"
        identity {}
      }
    }
  )pb");
  EXPECT_EQ(Plan::Make(problem, Scope::kForward, Limits()).status().message(),
            "network.nodes[0]: cycle a -> a");
}

}  // namespace
}  // namespace gradus
