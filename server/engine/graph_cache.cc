#include "server/engine/graph_cache.h"

#include <iterator>
#include <optional>
#include <utility>

#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

// Each part of a key begins with its length, so that two keys are equal only if all parts are.
class KeyWriter {
 public:
  void Add(int64_t number) { key_.append(reinterpret_cast<const char*>(&number), sizeof(number)); }
  void Add(std::string_view text) {
    Add(static_cast<int64_t>(text.size()));
    key_.append(text);
  }
  void Add(const Shape& shape) {
    Add(int64_t{shape.rank()});
    for (const int64_t length : shape.lengths()) Add(length);
  }
  void Add(const v1::Node& node) { Add(node.SerializeAsString()); }

  std::string Take() { return std::move(key_); }

 private:
  std::string key_;
};

// All that Graph::Build reads; nullopt if it will refuse a parameter.
std::optional<std::string> KeyOf(const v1::Network& network, std::span<const Shape> input_shapes,
                                 std::string_view objective, const Limits& limits) {
  KeyWriter key;
  key.Add(limits.max_tensor_elements);
  key.Add(objective);
  key.Add(int64_t{network.inputs_size()});
  for (const v1::Input& input : network.inputs()) key.Add(input.name());
  for (const Shape& shape : input_shapes) key.Add(shape);
  key.Add(int64_t{network.parameters_size()});
  for (const v1::Parameter& parameter : network.parameters()) {
    if (!parameter.has_value()) return std::nullopt;
    const absl::StatusOr<Shape> shape = ReadShape(parameter.value(), limits.max_tensor_elements);
    if (!shape.ok()) return std::nullopt;
    key.Add(parameter.name());
    key.Add(*shape);
  }
  for (const v1::Node& node : network.nodes()) key.Add(node);
  return key.Take();
}

// What a graph and its key take, roughly: names, which are kept several times, and nodes and places
// where values are read.
size_t BytesOf(const std::string& key, const Graph& graph) {
  constexpr size_t kPerValue = 1024;
  constexpr size_t kPerUse = 64;
  size_t uses = 0;
  for (const Value& value : graph.values()) uses += value.uses.size();
  return 4 * key.size() + kPerValue * graph.values().size() + kPerUse * uses;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Graph>> GraphCache::FindOrBuild(
    const v1::Network& network, std::span<const Shape> input_shapes, std::string_view objective,
    const Limits& limits) {
  std::optional<std::string> key = KeyOf(network, input_shapes, objective, limits);
  if (key.has_value()) {
    std::shared_ptr<const Graph> found = Find(*key);
    if (found != nullptr) return found;
  }
  absl::StatusOr<Graph> built = Graph::Build(network, input_shapes, objective, limits);
  if (!built.ok()) return built.status();
  auto graph = std::make_shared<const Graph>(*std::move(built));
  if (key.has_value()) Add(*std::move(key), graph);
  return graph;
}

std::shared_ptr<const Graph> GraphCache::Find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    ++misses_;
    return nullptr;
  }
  ++hits_;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->graph;
}

void GraphCache::Add(std::string key, std::shared_ptr<const Graph> graph) {
  const size_t bytes = BytesOf(key, *graph);
  if (bytes > capacity_.bytes || capacity_.entries == 0) return;
  std::list<Entry> gone;  // what nobody uses any more is destroyed after the lock
  const std::lock_guard lock(mutex_);
  // Others may have built the same.
  if (by_key_.contains(key)) return;
  while (entries_.size() >= capacity_.entries || bytes_ + bytes > capacity_.bytes) {
    by_key_.erase(entries_.back().key);
    bytes_ -= entries_.back().bytes;
    gone.splice(gone.begin(), entries_, std::prev(entries_.end()));
  }
  entries_.push_front({std::move(key), std::move(graph), bytes});
  by_key_.emplace(entries_.front().key, entries_.begin());
  bytes_ += bytes;
}

GraphCache::Counts GraphCache::counts() const {
  const std::lock_guard lock(mutex_);
  return {hits_, misses_, entries_.size()};
}

}  // namespace gradus
