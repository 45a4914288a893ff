// Random networks of any mix of ops: whatever is sound is computed, the same every time, and every
// gradient in it agrees with forward mode. A network that fails is made as small as it can be, and
// printed.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "server/checking/checker.h"
#include "server/engine/execute.h"
#include "server/tensor/tensor_proto.h"
#include "tests/ops/op_cases.h"
#include "tests/ops/run_op.h"
#include "tests/support/random.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

constexpr uint64_t kGraphs = 300;

// Grows a network node by node. Values are computed as it grows, to keep them of order 1 and off
// the kinks.
class Grower {
 public:
  explicit Grower(uint64_t seed) : random_(seed) {}

  v1::Problem Grow(int node_count) {
    while (problem_.network().nodes_size() < node_count) AddRow(PickRow());
    return problem_;
  }

 private:
  struct Known {
    std::string name;
    Tensor<double> value;
  };

  // The row, of a few drawn, that reads most of what is already there.
  const OpCase& PickRow() {
    constexpr int kDraws = 6;
    const std::vector<OpCase>& rows = AllOpCases();
    const OpCase* best = nullptr;
    size_t most = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      const OpCase& row = rows[static_cast<size_t>(random_.Below(std::ssize(rows)))];
      size_t count = 0;
      for (size_t i = 0; i < row.operands.size(); ++i) count += Candidates(row, i).empty() ? 0 : 1;
      if (best == nullptr || count > most) {
        best = &row;
        most = count;
      }
    }
    return *best;
  }

  // Indices in known_ of what may stand for an operand of a row.
  std::vector<size_t> Candidates(const OpCase& row, size_t operand) const {
    const Domain& domain = row.domains[std::min(operand, row.domains.size() - 1)];
    std::vector<size_t> candidates;
    for (size_t k = 0; k < known_.size(); ++k) {
      if (known_[k].value.shape() == row.operands[operand] && IsIn(domain, known_[k].value)) {
        candidates.push_back(k);
      }
    }
    return candidates;
  }

  // For the domains that a computed value may lie in.
  static bool IsIn(const Domain& domain, const Tensor<double>& value) {
    if (!IsAnyReal(domain) && !IsAwayFromZero(domain)) return false;
    return std::all_of(value.values().begin(), value.values().end(), [&](double x) {
      return std::abs(x) <= 2 && (IsAnyReal(domain) || std::abs(x) >= 0.1);
    });
  }

  void AddRow(const OpCase& row) {
    v1::Node node = FromText<v1::Node>(row.op);
    std::vector<Tensor<double>> operands;
    const auto index = OpOfNode(node).index_operand({node, row.operands});
    for (size_t i = 0; i < row.operands.size(); ++i) {
      const std::vector<size_t> candidates = Candidates(row, i);
      // Mostly what is there: that makes depth, fan-out and shared parameters.
      if (!candidates.empty() && random_.Below(8) != 0) {
        const size_t chosen =
            candidates[static_cast<size_t>(random_.Below(std::ssize(candidates)))];
        node.add_inputs(known_[chosen].name);
        operands.push_back(known_[chosen].value);
        continue;
      }
      const bool is_index = index.has_value() && index->position == static_cast<int>(i);
      const Domain& domain = row.domains[std::min(i, row.domains.size() - 1)];
      operands.push_back(domain(row.operands[i], random_));
      node.add_inputs(AddLeaf(operands.back(), is_index));
    }
    Tensor<double> value = Forward(node, operands);
    if (!std::all_of(value.values().begin(), value.values().end(),
                     [](double x) { return std::isfinite(x); })) {
      return;
    }
    AddNode(node, std::move(value));
    // What is too large to be read goes through tanh first.
    const Tensor<double>& last = known_.back().value;
    const bool is_large = std::any_of(last.values().begin(), last.values().end(),
                                      [](double x) { return std::abs(x) > 2; });
    if (is_large) {
      auto squash = FromText<v1::Node>("tanh {}");
      squash.add_inputs(known_.back().name);
      Tensor<double> squashed = Forward(squash, std::vector<Tensor<double>>{last});
      AddNode(squash, std::move(squashed));
    }
  }

  void AddNode(v1::Node& node, Tensor<double> value) {
    node.set_name(fmt::format("n{}", known_.size()));
    *problem_.mutable_network()->add_nodes() = node;
    known_.push_back({node.name(), std::move(value)});
  }

  std::string AddLeaf(const Tensor<double>& value, bool is_index) {
    v1::Tensor proto;
    WriteTensor(value, v1::TENSOR_ENCODING_VALUES, &proto);
    const std::string name = fmt::format("v{}", leaf_count_++);
    if (!is_index && random_.Below(2) == 0) {
      v1::Parameter* parameter = problem_.mutable_network()->add_parameters();
      parameter->set_name(name);
      *parameter->mutable_value() = proto;
    } else {
      problem_.mutable_network()->add_inputs()->set_name(name);
      v1::NamedTensor* input = problem_.add_inputs();
      input->set_name(name);
      *input->mutable_tensor() = proto;
    }
    // Indices are read by those that count from 0 to what they hold only.
    if (!is_index) known_.push_back({name, value});
    return name;
  }

  Random random_;
  v1::Problem problem_;
  std::vector<Known> known_;
  int leaf_count_ = 0;
};

bool IsRead(const v1::Network& network, const std::string& name) {
  return std::any_of(network.nodes().begin(), network.nodes().end(), [&](const v1::Node& node) {
    return std::find(node.inputs().begin(), node.inputs().end(), name) != node.inputs().end();
  });
}

// The sum of every output that nobody reads becomes the objective; what nobody reads else goes.
v1::Problem Complete(v1::Problem problem) {
  v1::Network& network = *problem.mutable_network();
  auto objective = FromText<v1::Node>("name: 'L' add {}");
  const v1::Network given = network;
  for (const v1::Node& node : given.nodes()) {
    if (IsRead(given, node.name())) continue;
    v1::Node* sum = network.add_nodes();
    *sum = FromText<v1::Node>("sum {}");
    sum->set_name("sum_" + node.name());
    sum->add_inputs(node.name());
    objective.add_inputs(sum->name());
  }
  if (objective.inputs_size() == 1) objective.add_inputs(objective.inputs(0));
  *network.add_nodes() = objective;
  problem.set_objective("L");
  const auto keep_read = [&](auto* list) {
    for (int i = list->size(); i-- > 0;) {
      if (!IsRead(network, list->Get(i).name())) list->DeleteSubrange(i, 1);
    }
  };
  keep_read(network.mutable_inputs());
  keep_read(network.mutable_parameters());
  keep_read(problem.mutable_inputs());
  return problem;
}

// What is wrong with a problem; empty if nothing is.
std::string FindFault(const v1::Problem& problem) {
  const absl::StatusOr<Plan> plan = Plan::Make(problem, Scope::kBackward, Limits());
  if (!plan.ok()) return plan.status().ToString();
  const Graph& graph = plan->graph();
  const std::atomic<bool> cancelled = false;
  World<double> world(graph);
  absl::Status status = Execute<double>(
      *plan, cancelled,
      [&](const Quantity& q, int, const Tensor<double>& tensor) { world.At(q) = tensor; });
  if (!status.ok()) return status.ToString();

  std::string fault;
  status =
      Execute<double>(*plan, cancelled, [&](const Quantity& q, int, const Tensor<double>& tensor) {
        const auto is_same = [](double a, double b) {
          return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
        };
        if (!std::equal(tensor.values().begin(), tensor.values().end(),
                        world.At(q).values().begin(), is_same)) {
          fault = plan->AddressOf(q, 0) + " is not the same twice";
        }
      });
  if (!fault.empty()) return fault;

  const Tensor<double> upstream(Shape(), {1.0});
  Checker checker(graph, world, upstream, {}, cancelled);
  for (const Quantity& q : graph.gradient_order()) {
    if (q.kind != QuantityKind::kGradient) continue;
    const v1::CheckResult result =
        checker.Check(q.value, world.gradient(q.value), v1::CHECK_METHOD_FORWARD_MODE);
    // A value read twice by one op may sit on its kink: that is no fault.
    const bool only_kinks = result.kink_count() == result.element_count();
    if (result.verdict() != v1::CHECK_VERDICT_AGREES && !only_kinks) return result.message();
    // Methods that take steps may not be able to tell, but may not be wrong.
    for (const v1::CheckMethod method :
         {v1::CHECK_METHOD_CENTRAL_DIFFERENCE, v1::CHECK_METHOD_TAYLOR}) {
      const v1::CheckResult stepped = checker.Check(q.value, world.gradient(q.value), method);
      if (stepped.verdict() == v1::CHECK_VERDICT_DIFFERS) return stepped.message();
    }
  }
  return "";
}

// Takes nodes away as long as the fault stays.
v1::Problem Shrink(v1::Problem problem) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (int i = problem.network().nodes_size(); i-- > 0;) {
      if (problem.network().nodes_size() == 1) break;
      if (IsRead(problem.network(), problem.network().nodes(i).name())) continue;
      v1::Problem without = problem;
      without.mutable_network()->mutable_nodes()->DeleteSubrange(i, 1);
      if (FindFault(Complete(without)).empty()) continue;
      problem = without;
      smaller = true;
    }
  }
  return problem;
}

TEST(RandomGraphTest, EveryGradientAgreesWithForwardMode) {
  constexpr int kMostNodes = 14;
  std::set<int> ops;
  int reused = 0;
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    const int node_count = 1 + static_cast<int>(seed % kMostNodes);
    const v1::Problem problem = Grower(seed).Grow(node_count);
    for (const v1::Node& node : problem.network().nodes()) ops.insert(node.op_case());
    for (const v1::Parameter& parameter : problem.network().parameters()) {
      int readers = 0;
      for (const v1::Node& node : problem.network().nodes()) {
        readers += static_cast<int>(
            std::count(node.inputs().begin(), node.inputs().end(), parameter.name()));
      }
      if (readers > 1) ++reused;
    }
    const std::string fault = FindFault(Complete(problem));
    if (fault.empty()) continue;
    const v1::Problem shrunk = Complete(Shrink(problem));
    std::string text;
    EXPECT_TRUE(google::protobuf::TextFormat::PrintToString(shrunk, &text));
    FAIL() << "seed " << seed << ": " << fault << "\nshrunk: " << FindFault(shrunk) << "\n" << text;
  }
  RecordProperty("graphs", static_cast<int>(kGraphs));
  // The test would mean little if it did not come by most of the ops, and by shared parameters.
  EXPECT_GT(static_cast<double>(ops.size()), 0.9 * static_cast<double>(AllOps().size()));
  EXPECT_GT(reused, 50);
}

}  // namespace
}  // namespace gradus::testing
