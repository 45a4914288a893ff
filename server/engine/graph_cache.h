#ifndef GRADUS_SERVER_ENGINE_GRAPH_CACHE_H_
#define GRADUS_SERVER_ENGINE_GRAPH_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"

#include "gradus/v1/network.pb.h"
#include "server/engine/graph.h"
#include "server/engine/limits.h"
#include "server/tensor/shape.h"

namespace gradus {

// The graphs of networks that were asked about lately, so that they need not be validated anew.
// What it says is what Graph::Build says. A graph is found again by all that it is made of,
// compared byte by byte: names, nodes, shapes, objective. The numbers are not among that, so a
// network whose parameters change from call to call is found too, and large ones cost nothing.
//
// Safe from several threads at once; nobody waits while a graph is built.
class GraphCache {
 public:
  // Those used least lately go when there are more, or when they take more bytes, estimated.
  struct Capacity {
    size_t entries = 1000;
    size_t bytes = size_t{32} * 1024 * 1024;
  };
  struct Counts {
    int64_t hits = 0;
    int64_t misses = 0;
    size_t entries = 0;
  };

  GraphCache() : GraphCache(Capacity()) {}
  explicit GraphCache(const Capacity& capacity) : capacity_(capacity) {}

  // As Graph::Build. What is not sound is not kept.
  absl::StatusOr<std::shared_ptr<const Graph>> FindOrBuild(const v1::Network& network,
                                                           std::span<const Shape> input_shapes,
                                                           std::string_view objective,
                                                           const Limits& limits);

  Counts counts() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Graph> graph;
    size_t bytes;
  };

  std::shared_ptr<const Graph> Find(const std::string& key);
  void Add(std::string key, std::shared_ptr<const Graph> graph);

  const Capacity capacity_;
  mutable std::mutex mutex_;  // guards what follows
  std::list<Entry> entries_;  // the one used last comes first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  size_t bytes_ = 0;
  int64_t hits_ = 0;
  int64_t misses_ = 0;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_GRAPH_CACHE_H_
