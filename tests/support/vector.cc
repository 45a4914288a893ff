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
      {"matmul", "mat_mul"},
      {"bce", "binary_cross_entropy"},
      {"bce_with_logits", "binary_cross_entropy_with_logits"},
      {"cross_entropy", "cross_entropy_with_logits"},  // theirs reads logits
  };
  const auto found = renamed.find(op);
  return found == renamed.end() ? op : found->second;
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

// Names of the operands: the layer's inputs, then its parameters. A parameter is called after the
// layer that owns it, "fc1.W"; another layer refers to it by that name.
json Operands(const json& layer) {
  json operands = layer.at("inputs");
  if (!layer.contains("params")) return operands;
  for (const char* slot : {"W", "b"}) {
    if (!layer.at("params").contains(slot)) continue;
    const std::string own_name = layer.at("name").get<std::string>() + "." + slot;
    operands.push_back(layer.at("params").at(slot).value("ref", own_name));
  }
  return operands;
}

void AddLayer(const json& layer, const json& frozen, json& network) {
  json attributes = layer.value("attrs", json::object());
  attributes.erase("bias");  // its shape says the same
  network["nodes"].push_back(Node(layer.at("name"), Operands(layer), layer.at("op"), attributes));
  if (!layer.contains("params")) return;
  for (const auto& [slot, parameter] : layer.at("params").items()) {
    if (slot != "W" && slot != "b") {
      throw std::runtime_error(layer.at("op").get<std::string>() + ": unknown parameter " + slot);
    }
    if (parameter.contains("ref")) continue;
    const std::string name = layer.at("name").get<std::string>() + "." + slot;
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

// loss = data_loss + one term scale * lambda * sum(w * w) for each parameter w.
void AddRegularization(const json& regularization, json& network) {
  json terms = json::array({"data_loss"});
  for (const json& rule : regularization) {
    if (rule.at("op") != "l2") throw std::runtime_error("unknown regularization " + rule.dump());
    const double factor = rule.at("scale").get<double>() * rule.at("lambda").get<double>();
    for (const auto& parameter : rule.at("params").get<std::vector<std::string>>()) {
      const std::string square = parameter + ".square";
      const std::string sum = square + ".sum";
      terms.push_back(parameter + ".l2");
      network["nodes"].push_back(Node(square, json::array({parameter, parameter}), "multiply"));
      network["nodes"].push_back(Node(sum, json::array({square}), "sum"));
      network["nodes"].push_back(
          Node(terms.back(), json::array({sum}), "scale", {{"factor", factor}}));
    }
  }
  network["nodes"].push_back(Node("loss", terms, "add"));
}

json Problem(const json& vector) {
  const json step = vector.at("expected").value("step", json());
  json network = {{"name", vector.at("name")}};
  json problem = {{"objective", "loss"}};
  for (const char* group : {"inputs", "targets"}) {
    if (!vector.contains(group)) continue;
    for (const auto& [name, tensor] : vector.at(group).items()) {
      network["inputs"].push_back({{"name", name}});
      problem["inputs"].push_back({{"name", name}, {"tensor", Tensor(tensor)}});
    }
  }
  const json frozen = step.is_null() ? json() : step.value("frozen", json::array());
  for (const json& layer : vector.at("network").at("layers")) AddLayer(layer, frozen, network);
  const bool regularized = vector.at("network").contains("regularization");
  AddLoss(vector.at("network").at("loss"), regularized ? "data_loss" : "loss", network);
  if (regularized) AddRegularization(vector.at("network").at("regularization"), network);
  problem["network"] = network;
  if (step.is_null()) return problem;

  json rule = step.at("attrs");
  rule["learning_rate"] = rule.at("lr");
  rule.erase("lr");
  problem["optimizer"] = {{step.at("optimizer").get<std::string>(), rule}};
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
