#ifndef GRADUS_SERVER_TRANSPORT_METRICS_H_
#define GRADUS_SERVER_TRANSPORT_METRICS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

#include "prometheus/collectable.h"
#include "prometheus/counter.h"
#include "prometheus/exposer.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "server/engine/graph_cache.h"
#include "server/transport/call.h"
#include "server/transport/compute_pool.h"

namespace gradus {

// Counts calls for Prometheus. Every series of both services is there from the start, at zero, so
// that the first error is an increase and not a new series. docs/operations.md lists the names;
// those that begin with grpc_server_ are the ones of go-grpc-prometheus, meaning the same.
class CallMetrics final : public CallObserver {
 public:
  CallMetrics();

  void OnBegin(const Method& method) override;
  void OnEnd(const CallRecord& record) override;
  // A job has waited so long for a worker.
  void OnWaited(std::chrono::steady_clock::duration time);

  const std::shared_ptr<prometheus::Registry>& registry() const { return registry_; }

 private:
  static constexpr size_t kCodeCount = 17;

  // Of one method; owned by the registry.
  struct Series {
    prometheus::Counter* started;
    std::array<prometheus::Counter*, kCodeCount> handled;  // by code
    prometheus::Counter* received;
    prometheus::Counter* sent;
    prometheus::Histogram* seconds;
  };

  // By service and method, which the descriptors of the services own. Not changed once filled.
  std::map<std::pair<std::string_view, std::string_view>, Series> series_;
  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  prometheus::Family<prometheus::Counter>* rejected_;
  prometheus::Counter* cancelled_;
  prometheus::Counter* graded_;
  prometheus::Gauge* in_flight_;
  prometheus::Histogram* queue_wait_;
};

// An HTTP listener that Prometheus scrapes: GET /metrics.
class MetricsListener {
 public:
  // Listens on HOST:PORT, where port 0 takes a free one, and tells what `calls` has counted, how
  // busy `pool` is, what was found in `graphs`, and what the process uses. UNAVAILABLE if the
  // address cannot be listened on. Pool and graphs outlive the listener.
  static absl::StatusOr<std::unique_ptr<MetricsListener>> Start(const std::string& address,
                                                                const CallMetrics& calls,
                                                                const ComputePool& pool,
                                                                const GraphCache& graphs);

  int port() const { return exposer_->GetListeningPorts().front(); }

 private:
  MetricsListener() = default;

  std::shared_ptr<prometheus::Registry> calls_;
  std::shared_ptr<prometheus::Collectable> state_;
  // Destroyed first, so that nothing is collected any more.
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_METRICS_H_
