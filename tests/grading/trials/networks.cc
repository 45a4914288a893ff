#include "tests/grading/trials/networks.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "server/engine/limits.h"
#include "server/engine/plan.h"
#include "tests/support/random.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

// Puts a network together, node by node.
class Builder {
 public:
  explicit Builder(uint64_t seed) : random_(seed), batch_(random_.Below(5)) {
    problem_.set_objective("L");
    SetOptimizer("sgd { learning_rate: 0.3 }");
  }

  int64_t Width() { return 2 + random_.Below(3); }
  void NeedBatch(int64_t least) { batch_ = std::max(batch_, least); }

  // The shape of one row per example, or of one row alone without a batch.
  std::vector<int64_t> Rows(int64_t width) const {
    return batch_ == 0 ? std::vector<int64_t>{width} : std::vector<int64_t>{batch_, width};
  }

  // A given tensor of numbers between the bounds, with random signs.
  std::string Input(const std::string& name, const std::vector<int64_t>& shape, double low,
                    double high) {
    AddInput(name, RandomTensor(shape, low, high));
    return name;
  }
  std::string Input(int64_t width) { return Input("x", Rows(width), 0.3, 1.5); }
  std::string Target(int64_t width) { return Input("t", Rows(width), 0.2, 1.2); }
  // One class of `width` per example.
  std::string OneHot(int64_t width) {
    v1::Tensor tensor = ZeroTensor(Rows(width));
    for (int64_t first = 0; first < tensor.values_size(); first += width) {
      tensor.set_values(static_cast<int>(first + random_.Below(width)), 1);
    }
    AddInput("t", tensor);
    return "t";
  }
  // 0 or 1 for each number.
  std::string Labels(int64_t width) {
    v1::Tensor tensor = ZeroTensor(Rows(width));
    for (double& label : *tensor.mutable_values()) label = static_cast<double>(random_.Below(2));
    AddInput("t", tensor);
    return "t";
  }
  std::string Parameter(const std::string& name, const std::vector<int64_t>& shape) {
    v1::Parameter* parameter = problem_.mutable_network()->add_parameters();
    parameter->set_name(name);
    *parameter->mutable_value() = RandomTensor(shape, 0.3, 1.1);
    return name;
  }
  std::string Node(const std::string& name, std::string_view op,
                   const std::vector<std::string>& inputs) {
    auto node = FromText<v1::Node>(std::string(op));
    node.set_name(name);
    for (const std::string& input : inputs) node.add_inputs(input);
    *problem_.mutable_network()->add_nodes() = std::move(node);
    return name;
  }
  // A dense node with parameters of its own: W<index> and b<index>.
  std::string Dense(int index, const std::string& input, int64_t in, int64_t out) {
    return Dense(index, input, {out, in}, {out});
  }
  std::string Dense(int index, const std::string& input, const std::vector<int64_t>& weight,
                    const std::vector<int64_t>& bias) {
    const std::string w = Parameter(fmt::format("W{}", index), weight);
    return DenseBy(index, input, w, Parameter(fmt::format("b{}", index), bias));
  }
  std::string DenseBy(int index, const std::string& input, const std::string& weight,
                      const std::string& bias) {
    return Node(fmt::format("z{}", index), "dense {}", {input, weight, bias});
  }
  // A hidden dense node and its activation: h<index>.
  std::string Hidden(int index, const std::string& input, int64_t in, int64_t out,
                     std::string_view activation) {
    return Node(fmt::format("h{}", index), activation, {Dense(index, input, in, out)});
  }
  // A mean where there is a batch, else the sum.
  std::string Reduction() const {
    return batch_ > 1 ? "reduction: REDUCTION_BATCH_MEAN" : "reduction: REDUCTION_SUM";
  }
  void Loss(std::string_view op, std::string_view reduction,
            const std::vector<std::string>& inputs) {
    Node("L", fmt::format("{} {{ {} }}", op, reduction), inputs);
  }
  void SetOptimizer(const std::string& text) {
    *problem_.mutable_optimizer() = FromText<v1::Optimizer>(text);
  }
  // So many updates on the same data.
  void Update(int times) {
    for (int i = 0; i < times; ++i) problem_.add_batches();
  }

  v1::Problem Finish() { return std::move(problem_); }

 private:
  static v1::Tensor ZeroTensor(const std::vector<int64_t>& shape) {
    v1::Tensor tensor;
    int count = 1;
    for (const int64_t dimension : shape) {
      tensor.add_shape(dimension);
      count *= static_cast<int>(dimension);
    }
    for (int i = 0; i < count; ++i) tensor.add_values(0);
    return tensor;
  }
  v1::Tensor RandomTensor(const std::vector<int64_t>& shape, double low, double high) {
    v1::Tensor tensor = ZeroTensor(shape);
    for (double& number : *tensor.mutable_values()) number = random_.UniformMagnitude(low, high);
    return tensor;
  }
  void AddInput(const std::string& name, const v1::Tensor& tensor) {
    problem_.mutable_network()->add_inputs()->set_name(name);
    v1::NamedTensor* input = problem_.add_inputs();
    input->set_name(name);
    *input->mutable_tensor() = tensor;
  }

  Random random_;
  int64_t batch_;
  v1::Problem problem_;
};

// A network of one hidden layer under a regression loss.
void Regression(Builder& b, std::string_view activation, std::string_view loss,
                std::string_view reduction) {
  const int64_t in = b.Width();
  const int64_t hidden = b.Width();
  const int64_t out = b.Width();
  const std::string h = b.Hidden(1, b.Input(in), in, hidden, activation);
  b.Loss(loss, reduction, {b.Dense(2, h, hidden, out), b.Target(out)});
}

// Logits of a classifier with one hidden layer, for so many classes.
std::string Logits(Builder& b, int64_t classes) {
  const int64_t in = b.Width();
  const int64_t hidden = b.Width();
  return b.Dense(2, b.Hidden(1, b.Input(in), in, hidden, "tanh {}"), hidden, classes);
}

struct Kind {
  std::string_view name;
  void (*build)(Builder&);
};

constexpr Kind kKinds[] = {
    {"one bias per layer, half squared error",
     [](Builder& b) {
       const int64_t width = b.Width();
       const std::string x = b.Input(width);
       b.Dense(1, x, {width, width}, {1});
       b.Node("h1", "sigmoid {}", {"z1"});
       b.Dense(2, "h1", {width, width}, {1});
       b.Node("y", "sigmoid {}", {"z2"});
       b.Loss("half_squared_error", "reduction: REDUCTION_SUM", {"y", b.Target(width)});
     }},
    {"sigmoid, mean of squares",
     [](Builder& b) {
       b.NeedBatch(2);
       Regression(b, "sigmoid {}", "squared_error", "reduction: REDUCTION_MEAN");
     }},
    {"sigmoid, mean over a batch of 3 or 4",
     [](Builder& b) {
       b.NeedBatch(3);
       Regression(b, "sigmoid {}", "half_squared_error", "reduction: REDUCTION_BATCH_MEAN");
     }},
    {"tanh, three dense nodes",
     [](Builder& b) {
       const int64_t width = b.Width();
       std::string h = b.Input(width);
       for (const int i : {1, 2}) h = b.Hidden(i, h, width, width, "tanh {}");
       b.Loss("half_squared_error", "reduction: REDUCTION_SUM",
              {b.Dense(3, h, width, width), b.Target(width)});
     }},
    {"relu",
     [](Builder& b) {
       const int64_t width = b.Width();
       const std::string h = b.Hidden(1, b.Input(width), width, 4, "relu {}");
       b.Loss("half_squared_error", b.Reduction(), {b.Dense(2, h, 4, 2), b.Target(2)});
     }},
    {"leaky relu",
     [](Builder& b) { Regression(b, "leaky_relu {}", "half_squared_error", b.Reduction()); }},
    {"softplus", [](Builder& b) { Regression(b, "softplus {}", "squared_error", b.Reduction()); }},
    {"elu", [](Builder& b) { Regression(b, "elu {}", "half_squared_error", b.Reduction()); }},
    {"silu", [](Builder& b) { Regression(b, "silu {}", "half_squared_error", b.Reduction()); }},
    {"huber loss", [](Builder& b) { Regression(b, "tanh {}", "huber", b.Reduction()); }},
    {"softmax, then cross entropy",
     [](Builder& b) {
       b.Node("p", "softmax {}", {Logits(b, 3)});
       b.Loss("cross_entropy", b.Reduction(), {"p", b.OneHot(3)});
     }},
    {"cross entropy with logits",
     [](Builder& b) {
       b.Loss("cross_entropy_with_logits", b.Reduction(), {Logits(b, 3), b.OneHot(3)});
     }},
    {"softmax beside cross entropy with logits",
     [](Builder& b) {
       b.Node("p", "softmax {}", {Logits(b, 3)});
       b.Loss("cross_entropy_with_logits", b.Reduction(), {"z2", b.OneHot(3)});
     }},
    {"sigmoid, then binary cross entropy",
     [](Builder& b) {
       b.Node("p", "sigmoid {}", {Logits(b, 2)});
       b.Loss("binary_cross_entropy", b.Reduction(), {"p", b.Labels(2)});
     }},
    {"sigmoid beside binary cross entropy with logits",
     [](Builder& b) {
       b.Node("p", "sigmoid {}", {Logits(b, 2)});
       b.Loss("binary_cross_entropy_with_logits", b.Reduction(), {"z2", b.Labels(2)});
     }},
    {"residual path",
     [](Builder& b) {
       const int64_t width = b.Width();
       const std::string h = b.Hidden(1, b.Input(width), width, width, "tanh {}");
       b.Hidden(2, h, width, width, "tanh {}");
       b.Node("s", "add {}", {"h1", "h2"});
       b.Loss("half_squared_error", b.Reduction(), {"s", b.Target(width)});
     }},
    {"tied weights",
     [](Builder& b) {
       const int64_t width = b.Width();
       b.Parameter("W", {width, width});
       const std::string x = b.Input(width);
       b.DenseBy(1, x, "W", b.Parameter("b1", {width}));
       b.Node("h1", "tanh {}", {"z1"});
       b.DenseBy(2, "h1", "W", b.Parameter("b2", {width}));
       b.Loss("half_squared_error", b.Reduction(), {"z2", b.Target(width)});
     }},
    {"bias shared over units, batch",
     [](Builder& b) {
       b.NeedBatch(3);
       const int64_t width = b.Width();
       const std::string x = b.Input(width);
       b.Dense(1, x, {3, width}, {1});
       b.Node("h1", "sigmoid {}", {"z1"});
       b.Dense(2, "h1", {2, 3}, {1});
       b.Loss("half_squared_error", "reduction: REDUCTION_SUM", {"z2", b.Target(2)});
     }},
    {"penalty on the weights",
     [](Builder& b) {
       const int64_t width = b.Width();
       const std::string h = b.Hidden(1, b.Input(width), width, 2, "tanh {}");
       b.Node("fit", fmt::format("half_squared_error {{ {} }}", b.Reduction()),
              {b.Dense(2, h, 2, 2), b.Target(2)});
       b.Node("penalty", "l2_penalty { strength: 0.2 }", {"W1"});
       b.Node("L", "add {}", {"fit", "penalty"});
     }},
    {"momentum, two updates",
     [](Builder& b) {
       Regression(b, "sigmoid {}", "half_squared_error", b.Reduction());
       b.SetOptimizer("sgd { learning_rate: 0.3 momentum: 0.8 }");
       b.Update(2);
     }},
    {"Adam, two updates",
     [](Builder& b) {
       Regression(b, "tanh {}", "half_squared_error", b.Reduction());
       // Numbers that three decimals can hold: the usual ones make a v of 0.000.
       b.SetOptimizer("adam { learning_rate: 0.3 beta1: 0.8 beta2: 0.6 adam_epsilon: 0.1 }");
       b.Update(2);
     }},
    {"weight decay",
     [](Builder& b) {
       Regression(b, "sigmoid {}", "half_squared_error", b.Reduction());
       b.SetOptimizer("sgd { learning_rate: 0.4 } weight_decay { coefficient: 0.3 }");
     }},
    {"layer norm",
     [](Builder& b) {
       b.NeedBatch(2);
       b.Dense(1, b.Input(3), 3, 4);
       b.Node("n", "layer_norm {}", {"z1", b.Parameter("g", {4}), b.Parameter("c", {4})});
       b.Loss("half_squared_error", b.Reduction(),
              {b.Dense(2, b.Node("h1", "tanh {}", {"n"}), 4, 2), b.Target(2)});
     }},
    {"batch norm",
     [](Builder& b) {
       b.NeedBatch(4);
       b.Dense(1, b.Input(2), 2, 3);
       b.Node("n", "batch_norm {}", {"z1", b.Parameter("g", {3}), b.Parameter("c", {3})});
       b.Loss("half_squared_error", b.Reduction(),
              {b.Dense(2, b.Node("h1", "sigmoid {}", {"n"}), 3, 2), b.Target(2)});
     }},
    {"product of two branches",
     [](Builder& b) {
       const int64_t width = b.Width();
       const std::string x = b.Input(width);
       b.Hidden(1, x, width, 3, "sigmoid {}");
       b.Hidden(2, x, width, 3, "tanh {}");
       b.Node("m", "multiply {}", {"h1", "h2"});
       b.Loss("half_squared_error", b.Reduction(), {b.Dense(3, "m", 3, 2), b.Target(2)});
     }},
    {"unrolled recurrence",
     [](Builder& b) {
       b.Parameter("U", {2, 2});
       b.Parameter("V", {2, 2});
       b.Parameter("b", {2});
       std::string h = b.Input("h0", b.Rows(2), 0.2, 0.8);
       for (const int t : {1, 2}) {
         const std::string x = b.Input(fmt::format("x{}", t), b.Rows(2), 0.3, 1.2);
         b.Node(fmt::format("u{}", t), "mat_mul {}", {x, "U"});
         b.DenseBy(t, h, "V", "b");
         b.Node(fmt::format("s{}", t), "add {}", {fmt::format("u{}", t), fmt::format("z{}", t)});
         h = b.Node(fmt::format("h{}", t), "tanh {}", {fmt::format("s{}", t)});
       }
       b.Loss("half_squared_error", b.Reduction(), {h, b.Target(2)});
     }},
};

}  // namespace

std::vector<TrialNetwork> TrialNetworks(uint64_t seed, int count) {
  std::vector<TrialNetwork> networks;
  for (int i = 0; i < count; ++i) {
    for (const Kind& kind : kKinds) {
      Builder builder(seed * 1'000'003 + networks.size());
      kind.build(builder);
      networks.push_back({std::string(kind.name), builder.Finish()});
    }
  }
  return networks;
}

v1::Assignment AskForAll(const v1::Problem& problem) {
  v1::Assignment assignment;
  assignment.set_name("trial");
  v1::NamedProblem* named = assignment.add_problems();
  named->set_name("p");
  *named->mutable_problem() = problem;
  assignment.mutable_policy()->set_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
  assignment.mutable_policy()->mutable_required_digits()->set_decimals(3);
  const absl::StatusOr<Plan> plan = Plan::Make(problem, Scope::kStep, Limits());
  if (!plan.ok()) throw std::runtime_error(plan.status().ToString());
  for (int update = 0; update < plan->world_count(); ++update) {
    for (const Quantity& q : plan->Order(update)) {
      v1::Item* item = assignment.add_items();
      item->set_id(plan->AddressOf(q, update));
      item->set_quantity(item->id());
    }
  }
  return assignment;
}

}  // namespace gradus::testing
