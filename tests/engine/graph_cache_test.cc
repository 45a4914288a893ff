#include "server/engine/graph_cache.h"

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "server/engine/evaluation.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

v1::BackwardRequest Request() {
  return FromText<v1::BackwardRequest>(R"pb(
    problem {
      network {
        inputs { name: "x" }
        parameters {
          name: "W"
          value {
            shape: [ 2, 2 ]
            values: [ 1, 2, 3, 4 ]
          }
        }
        nodes {
          name: "z"
          inputs: [ "x", "W" ]
          dense {}
        }
        nodes {
          name: "h"
          inputs: "z"
          leaky_relu { negative_slope: 0.1 }
        }
        nodes {
          name: "L"
          inputs: "h"
          sum {}
        }
      }
      inputs {
        name: "x"
        tensor {
          shape: 2
          values: [ 5, -6 ]
        }
      }
      objective: "L"
    })pb");
}

// What comes of a request, or of its refusal.
std::string Answer(const v1::BackwardRequest& request, GraphCache* graphs) {
  const auto evaluation = Prepare(request, Limits(), graphs);
  if (!evaluation.ok()) return evaluation.status().ToString();
  const std::atomic<bool> cancelled = false;
  v1::BackwardResponse response;
  const absl::Status status = gradus::Run(*evaluation, cancelled, &response);
  return status.ok() ? response.SerializeAsString() : status.ToString();
}

struct Variant {
  std::string what;
  std::function<void(v1::BackwardRequest&)> change;
  bool has_other_graph;
};

v1::Network& NetworkOf(v1::BackwardRequest& request) {
  return *request.mutable_problem()->mutable_network();
}

// Requests that differ from Request() in one place; the last ones are refused.
std::vector<Variant> Variants() {
  const auto rename = [](v1::BackwardRequest& r) {
    NetworkOf(r).mutable_nodes(1)->set_name("g");
    NetworkOf(r).mutable_nodes(2)->set_inputs(0, "g");
  };
  return {
      {"a number of a parameter",
       [](auto& r) { NetworkOf(r).mutable_parameters(0)->mutable_value()->set_values(3, 4.5); },
       false},
      {"a number of an input",
       [](auto& r) { r.mutable_problem()->mutable_inputs(0)->mutable_tensor()->set_values(1, 6); },
       false},
      {"the precision", [](auto& r) { r.mutable_problem()->set_precision(v1::PRECISION_FLOAT); },
       false},
      {"an upstream gradient",
       [](auto& r) { r.mutable_problem()->mutable_upstream()->add_values(3); }, false},
      {"an attribute",
       [](auto& r) {
         NetworkOf(r).mutable_nodes(1)->mutable_leaky_relu()->set_negative_slope(0.25);
       },
       true},
      {"the name of a node", rename, true},
      {"the name of a parameter",
       [](auto& r) {
         NetworkOf(r).mutable_parameters(0)->set_name("V");
         NetworkOf(r).mutable_nodes(0)->set_inputs(1, "V");
       },
       true},
      {"an op", [](auto& r) { NetworkOf(r).mutable_nodes(1)->mutable_sigmoid(); }, true},
      {"an operand", [](auto& r) { NetworkOf(r).mutable_nodes(2)->set_inputs(0, "z"); }, true},
      {"the shape of a parameter",
       [](auto& r) {
         auto* value = NetworkOf(r).mutable_parameters(0)->mutable_value();
         value->set_shape(0, 1);
         value->mutable_values()->Truncate(2);
       },
       true},
      {"the shape of an input",
       [](auto& r) {
         auto* tensor = r.mutable_problem()->mutable_inputs(0)->mutable_tensor();
         tensor->clear_shape();
         tensor->add_shape(1);
         tensor->add_shape(2);
       },
       true},
      {"the objective",
       [](auto& r) {
         r.mutable_problem()->set_objective("h");
         auto* upstream = r.mutable_problem()->mutable_upstream();
         upstream->add_shape(2);
         upstream->add_values(1);
         upstream->add_values(1);
       },
       true},
      {"a node more",
       [](auto& r) {
         auto* node = NetworkOf(r).add_nodes();
         node->set_name("more");
         node->add_inputs("x");
         node->mutable_exp();
       },
       true},
      {"too few numbers of a parameter",
       [](auto& r) {
         NetworkOf(r).mutable_parameters(0)->mutable_value()->mutable_values()->RemoveLast();
       },
       false},
      {"a parameter without numbers",
       [](auto& r) { NetworkOf(r).mutable_parameters(0)->clear_value(); }, false},
      {"a number that is none",
       [](auto& r) {
         NetworkOf(r).mutable_parameters(0)->mutable_value()->set_values(
             0, std::numeric_limits<double>::infinity());
       },
       false},
      {"shapes that do not fit",
       [](auto& r) {
         NetworkOf(r).mutable_parameters(0)->mutable_value()->set_shape(0, 4);
         NetworkOf(r).mutable_parameters(0)->mutable_value()->set_shape(1, 1);
       },
       false},
      {"an operand that nothing is named after",
       [](auto& r) { NetworkOf(r).mutable_nodes(2)->set_inputs(0, "nothing"); }, false},
  };
}

TEST(GraphCacheTest, FindsAgainWhatItHasBuilt) {
  GraphCache graphs;
  const std::string cold = Answer(Request(), &graphs);
  EXPECT_EQ(cold, Answer(Request(), nullptr));
  EXPECT_EQ(graphs.counts().misses, 1);
  EXPECT_EQ(Answer(Request(), &graphs), cold);
  EXPECT_EQ(graphs.counts().hits, 1);
  EXPECT_EQ(graphs.counts().entries, 1U);
}

// Results and errors are those without a cache, bit for bit, before and after a hit.
TEST(GraphCacheTest, NeverTakesOneForAnother) {
  for (const Variant& variant : Variants()) {
    SCOPED_TRACE(variant.what);
    v1::BackwardRequest changed = Request();
    variant.change(changed);
    const std::string expected = Answer(changed, nullptr);
    EXPECT_NE(expected, Answer(Request(), nullptr));

    GraphCache graphs;
    EXPECT_EQ(Answer(changed, &graphs), expected);
    EXPECT_EQ(Answer(Request(), &graphs), Answer(Request(), nullptr));
    EXPECT_EQ(Answer(changed, &graphs), expected);
    EXPECT_EQ(Answer(Request(), &graphs), Answer(Request(), nullptr));
    EXPECT_EQ(graphs.counts().entries, variant.has_other_graph ? 2U : 1U);
  }
}

// A forward pass has no objective, and so its graph has no order of gradients.
TEST(GraphCacheTest, ForwardAndBackwardHaveGraphsOfTheirOwn) {
  GraphCache graphs;
  v1::ForwardRequest forward;
  *forward.mutable_problem() = Request().problem();
  ASSERT_TRUE(Prepare(forward, Limits(), &graphs).ok());
  EXPECT_EQ(Answer(Request(), &graphs), Answer(Request(), nullptr));
  EXPECT_EQ(graphs.counts().entries, 2U);
}

v1::BackwardRequest RequestNamed(int i) {
  v1::BackwardRequest request = Request();
  const std::string name = "h" + std::to_string(i);
  NetworkOf(request).mutable_nodes(1)->set_name(name);
  NetworkOf(request).mutable_nodes(2)->set_inputs(0, name);
  return request;
}

TEST(GraphCacheTest, TheOneUsedLeastLatelyGoes) {
  GraphCache graphs(GraphCache::Capacity{.entries = 2});
  Answer(RequestNamed(0), &graphs);
  Answer(RequestNamed(1), &graphs);
  Answer(RequestNamed(0), &graphs);
  Answer(RequestNamed(2), &graphs);
  EXPECT_EQ(graphs.counts().entries, 2U);
  EXPECT_EQ(graphs.counts().hits, 1);
  Answer(RequestNamed(0), &graphs);
  EXPECT_EQ(graphs.counts().hits, 2);
  Answer(RequestNamed(1), &graphs);
  EXPECT_EQ(graphs.counts().hits, 2);
}

TEST(GraphCacheTest, IsBoundedByBytes) {
  GraphCache graphs(GraphCache::Capacity{.entries = 1000, .bytes = 50'000});
  for (int i = 0; i < 100; ++i) Answer(RequestNamed(i), &graphs);
  EXPECT_GT(graphs.counts().entries, 0U);
  EXPECT_LT(graphs.counts().entries, 20U);

  GraphCache tiny(GraphCache::Capacity{.entries = 1000, .bytes = 100});
  EXPECT_EQ(Answer(Request(), &tiny), Answer(Request(), nullptr));
  EXPECT_EQ(tiny.counts().entries, 0U);
}

TEST(GraphCacheTest, WhatIsUsedOutlivesItsEviction) {
  GraphCache graphs(GraphCache::Capacity{.entries = 1});
  const v1::BackwardRequest request = RequestNamed(0);
  const auto evaluation = Prepare(request, Limits(), &graphs);
  ASSERT_TRUE(evaluation.ok());
  Answer(RequestNamed(1), &graphs);
  const std::atomic<bool> cancelled = false;
  v1::BackwardResponse response;
  ASSERT_TRUE(gradus::Run(*evaluation, cancelled, &response).ok());
  EXPECT_EQ(response.SerializeAsString(), Answer(request, nullptr));
}

TEST(GraphCacheTest, ThreadsThatEvictEachOthersGraphs) {
  constexpr int kNetworks = 3;
  std::vector<std::string> expected;
  for (int i = 0; i < kNetworks; ++i) expected.push_back(Answer(RequestNamed(i), nullptr));
  GraphCache graphs(GraphCache::Capacity{.entries = 1});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int k = 0; k < 200; ++k) {
        const int i = (k + t) % kNetworks;
        if (Answer(RequestNamed(i), &graphs) != expected[static_cast<size_t>(i)]) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(graphs.counts().hits + graphs.counts().misses, 800);
  EXPECT_EQ(graphs.counts().entries, 1U);
}

}  // namespace
}  // namespace gradus::testing
