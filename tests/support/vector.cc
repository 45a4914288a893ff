#include "tests/support/vector.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>

#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>

namespace gradus::testing {
namespace {

using nlohmann::json;

constexpr char kFormat[] = "nn-trace-vector/1";

// The name of an op in Node.op. Most are called the same there.
std::string OpName(const std::string& op) {
  static const std::map<std::string, std::string> renamed = {
      {"sub", "subtract"},
      {"mul", "multiply"},
      {"pow", "power"},
      {"matmul", "mat_mul"},
      {"layernorm", "layer_norm"},
      {"batchnorm", "batch_norm"},
      {"maxpool2d", "max_pool2d"},
      {"avgpool2d", "avg_pool2d"},
      {"l1", "absolute_error"},
      {"nll", "negative_log_likelihood"},
      {"kl_div", "kl_divergence"},
      {"bce", "binary_cross_entropy"},
      {"bce_with_logits", "binary_cross_entropy_with_logits"},
      {"cross_entropy", "cross_entropy_with_logits"},  // theirs reads logits
  };
  const auto found = renamed.find(op);
  return found == renamed.end() ? op : found->second;
}

// The attributes of an op in ours; most are called the same there.
json OpAttributes(const std::string& op, json attributes) {
  const auto rename = [&](const char* theirs, const char* ours) {
    if (!attributes.contains(theirs)) return;
    attributes[ours] = attributes.at(theirs);
    attributes.erase(theirs);
  };
  attributes.erase("bias");  // its shape says the same
  if (op == "mean") {
    attributes["axes"] = json::array({attributes.at("axis")});
    attributes.erase("axis");
  } else if (op == "gelu") {
    attributes = {{"tanh_approximation", attributes.at("approximate") == "tanh"}};
  } else if (op == "dropout") {
    attributes.erase("mask");  // an input
    rename("p", "rate");
  }
  rename("eps", "variance_epsilon");
  return attributes;
}

json Tensor(const json& tensor) {
  return {{"shape", tensor.at("shape")}, {"values", tensor.at("data")}};
}

// What follows writes a Problem as proto-JSON, and leaves it to protobuf to reject what is not in
// the contract: an op, or an attribute of it.

json Node(const std::string& name, const json& inputs, const std::string& op,
          const json& attributes = json::object()) {
  return {{"name", name}, {"inputs", inputs}, {OpName(op), attributes}};
}

// In the order of the operands of our ops.
constexpr const char* kParameterSlots[] = {"W", "b", "gamma", "beta"};

// Names of the operands: the layer's inputs, then its parameters, then its mask. A parameter is
// called after the layer that owns it, "fc1.W"; another layer refers to it by that name.
json Operands(const json& layer) {
  const std::string prefix = layer.at("name").get<std::string>() + ".";
  json operands = layer.at("inputs");
  if (layer.contains("params")) {
    for (const char* slot : kParameterSlots) {
      if (!layer.at("params").contains(slot)) continue;
      operands.push_back(layer.at("params").at(slot).value("ref", prefix + slot));
    }
  }
  if (layer.at("op") == "dropout") operands.push_back(prefix + "mask");
  return operands;
}

void AddLayer(const json& layer, const json& frozen, json& problem) {
  json& network = problem["network"];
  const std::string op = layer.at("op");
  const json attributes = layer.value("attrs", json::object());
  const std::string prefix = layer.at("name").get<std::string>() + ".";
  network["nodes"].push_back(
      Node(layer.at("name"), Operands(layer), op, OpAttributes(op, attributes)));
  if (op == "dropout") {
    network["inputs"].push_back({{"name", prefix + "mask"}});
    problem["inputs"].push_back(
        {{"name", prefix + "mask"}, {"tensor", Tensor(attributes.at("mask"))}});
  }
  if (!layer.contains("params")) return;
  for (const auto& [slot, parameter] : layer.at("params").items()) {
    if (std::find(std::begin(kParameterSlots), std::end(kParameterSlots), slot) ==
        std::end(kParameterSlots)) {
      throw std::runtime_error(op + ": unknown parameter " + slot);
    }
    if (parameter.contains("ref")) continue;
    const std::string name = prefix + slot;
    const bool is_frozen = std::find(frozen.begin(), frozen.end(), name) != frozen.end();
    network["parameters"].push_back(
        {{"name", name}, {"value", Tensor(parameter)}, {"frozen", is_frozen}});
  }
}

void AddLoss(const json& loss, const std::string& name, json& network) {
  static const std::map<std::string, std::string> reductions = {
      {"sum", "REDUCTION_SUM"}, {"mean", "REDUCTION_MEAN"}, {"batchmean", "REDUCTION_BATCH_MEAN"}};
  const std::string reduction = loss.at("reduction");
  if (!reductions.contains(reduction)) throw std::runtime_error("unknown reduction " + reduction);
  json inputs = json::array({loss.at("input")});
  json attributes = loss.value("attrs", json::object());
  if (loss.at("op") == "sum") {  // no target: the tensor itself
    if (reduction != "sum") throw std::runtime_error("a sum reduced by " + reduction);
  } else {
    inputs.push_back(loss.at("target"));
    attributes["reduction"] = reductions.at(reduction);
  }
  network["nodes"].push_back(Node(name, inputs, loss.at("op"), attributes));
}

// loss = data_loss + one penalty for each rule.
void AddRegularization(const json& regularization, json& network) {
  json terms = json::array({"data_loss"});
  for (const json& rule : regularization) {
    const std::string op = rule.at("op");
    const double strength = rule.at("scale").get<double>() * rule.at("lambda").get<double>();
    terms.push_back("penalty." + std::to_string(terms.size()));
    network["nodes"].push_back(
        Node(terms.back(), rule.at("params"), op + "_penalty", {{"strength", strength}}));
  }
  network["nodes"].push_back(Node("loss", terms, "add"));
}

// An optimizer of ours.
json Optimizer(const json& step) {
  const std::string name = step.at("optimizer");
  static const std::map<std::string, std::string> rules = {{"sgd", "sgd"},
                                                           {"adam", "adam"},
                                                           {"adamw", "adam"},
                                                           {"rmsprop", "rms_prop"},
                                                           {"adagrad", "adagrad"}};
  static const std::map<std::string, std::string> attributes = {
      {"lr", "learning_rate"},
      {"alpha", "decay"},
      {"lr_decay", "learning_rate_decay"},
      {"initial_accumulator", "initial_sum"}};
  if (!rules.contains(name)) throw std::runtime_error("unknown optimizer " + name);
  json optimizer = json::object();
  json rule = json::object();
  for (const auto& [theirs, value] : step.at("attrs").items()) {
    if (theirs == "weight_decay") {
      optimizer["weight_decay"] = {{"coefficient", value}, {"decoupled", name == "adamw"}};
    } else if (theirs == "eps") {
      rule[rules.at(name) == "adam" ? "adam_epsilon" : "denominator_epsilon"] = value;
    } else {
      const auto renamed = attributes.find(theirs);
      rule[renamed == attributes.end() ? theirs : renamed->second] = value;
    }
  }
  optimizer[rules.at(name)] = rule;
  return optimizer;
}

// The name of a slot in ours; most are called the same there. Empty for the count of updates.
std::string SlotName(const std::string& slot) {
  static const std::map<std::string, std::string> renamed = {
      {"square_avg", "mean_square"}, {"accumulator", "sum"}, {"grad_avg", "mean"}, {"t", ""}};
  const auto found = renamed.find(slot);
  return found == renamed.end() ? slot : found->second;
}

// The state before the first update.
json OptimizerState(const json& state) {
  json result = {{"parameters", json::array()}};
  for (const auto& [name, slots] : state.items()) {
    json parameter = {{"parameter", name}, {"slots", json::array()}};
    for (const auto& [slot, value] : slots.items()) {
      if (SlotName(slot).empty()) {
        result["update_count"] = value;
      } else {
        parameter["slots"].push_back({{"name", SlotName(slot)}, {"tensor", Tensor(value)}});
      }
    }
    result["parameters"].push_back(parameter);
  }
  return result;
}

json Problem(const json& vector) {
  const json step = vector.at("expected").value("step", json());
  json problem = {{"objective", "loss"}, {"network", {{"name", vector.at("name")}}}};
  json& network = problem["network"];
  for (const char* group : {"inputs", "targets"}) {
    if (!vector.contains(group)) continue;
    for (const auto& [name, tensor] : vector.at(group).items()) {
      network["inputs"].push_back({{"name", name}});
      problem["inputs"].push_back({{"name", name}, {"tensor", Tensor(tensor)}});
    }
  }
  const json frozen = step.is_null() ? json() : step.value("frozen", json::array());
  for (const json& layer : vector.at("network").at("layers")) AddLayer(layer, frozen, problem);
  const bool regularized = vector.at("network").contains("regularization");
  AddLoss(vector.at("network").at("loss"), regularized ? "data_loss" : "loss", network);
  if (regularized) AddRegularization(vector.at("network").at("regularization"), network);
  if (step.is_null()) return problem;

  problem["optimizer"] = Optimizer(step);
  if (step.contains("initial_state")) {
    problem["optimizer_state"] = OptimizerState(step.at("initial_state"));
  }
  problem["batches"] = json(step.at("n_steps").get<size_t>(), json::object());
  return problem;
}

// The address of `function` of a name: "grad(W)".
std::string Address(const char* function, const std::string& name) {
  return std::string(function) + "(" + name + ")";
}

std::vector<ExpectedQuantity> Expected(const json& expected) {
  std::vector<ExpectedQuantity> quantities;
  const auto add = [&](const std::string& address, const json& tensor, bool after_step) {
    quantities.push_back({address, tensor.at("shape"), tensor.at("data"), after_step});
  };
  const auto scalar = [](const json& value) -> json {
    return {{"shape", json::array()}, {"data", json::array({value})}};
  };
  for (const auto& [name, tensor] : expected.at("forward").items()) add(name, tensor, false);
  if (expected.at("data_loss") != expected.at("loss")) {
    add("data_loss", scalar(expected.at("data_loss")), false);
  }
  add("loss", scalar(expected.at("loss")), false);
  for (const auto& [name, tensor] : expected.at("gradients").items()) {
    add(Address("grad", name), tensor, false);
  }
  if (!expected.contains("step")) return quantities;

  const json& step = expected.at("step");
  const size_t updates = step.at("n_steps");
  for (size_t k = 1; k <= updates; ++k) {
    add("loss@" + std::to_string(k), scalar(step.at("losses").at(k)), true);
  }
  const std::string last = updates > 1 ? "@" + std::to_string(updates - 1) : "";
  for (const auto& [name, tensor] : step.at("params_after").items()) {
    add(Address("next", name) + last, tensor, true);
  }
  const json state = step.value("optimizer_state", json::object());
  for (const auto& [name, slots] : state.items()) {
    for (const auto& [slot, tensor] : slots.items()) {
      if (SlotName(slot).empty()) continue;
      add(Address("state", name) + "." + SlotName(slot) + last, tensor, true);
    }
  }
  return quantities;
}

// Calls `found` with each vector in `value`, however deep.
void ForEachVector(const json& value, const std::function<void(const json&)>& found) {
  if (value.is_object() && value.value("format", json()) == kFormat) return found(value);
  if (!value.is_structured()) return;
  for (const json& part : value) ForEachVector(part, found);
}

}  // namespace

Vector LoadVector(const nlohmann::json& vector) {
  Vector result;
  result.name = vector.value("name", "unnamed vector");
  try {
    const auto status =
        google::protobuf::util::JsonStringToMessage(Problem(vector).dump(), &result.problem);
    if (!status.ok()) throw std::runtime_error(status.ToString());
    result.expected = Expected(vector.at("expected"));
  } catch (const std::exception& error) {
    throw std::runtime_error(result.name + ": " + error.what());
  }
  return result;
}

std::vector<Vector> LoadVectors(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());

  std::vector<Vector> vectors;
  for (const auto& path : paths) {
    const size_t count_before = vectors.size();
    try {
      std::ifstream file(path);
      ForEachVector(json::parse(file),
                    [&](const json& vector) { vectors.push_back(LoadVector(vector)); });
    } catch (const std::exception& error) {
      throw std::runtime_error(path.string() + ": " + error.what());
    }
    if (vectors.size() == count_before) throw std::runtime_error(path.string() + ": no vector");
  }
  return vectors;
}

}  // namespace gradus::testing
