#ifndef GRADUS_SERVER_ENGINE_EVALUATION_H_
#define GRADUS_SERVER_ENGINE_EVALUATION_H_

#include <atomic>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "gradus/v1/gradient_service.pb.h"
#include "server/engine/graph_cache.h"
#include "server/engine/limits.h"
#include "server/engine/plan.h"

namespace gradus {

// Which quantities a response holds, and how.
struct Selection {
  bool all = true;
  std::set<std::pair<Quantity, int>> only;  // with their updates, unless all
  v1::TensorEncoding encoding = v1::TENSOR_ENCODING_VALUES;
};

// A Forward, Backward or Step request that is sound and affordable. The request must outlive it.
struct Evaluation {
  Plan plan;
  Selection selection;
};

// Checks a request: everything but its numbers. Cheap next to Run, and allocates no tensor. Errors
// are FieldErrors, with paths relative to the Problem, or to the request for pins and trace
// options. `graphs` may be null; else the network's graph is looked up there.
absl::StatusOr<Evaluation> Prepare(const v1::ForwardRequest& request, const Limits& limits,
                                   GraphCache* graphs = nullptr);
absl::StatusOr<Evaluation> Prepare(const v1::BackwardRequest& request, const Limits& limits,
                                   GraphCache* graphs = nullptr);
absl::StatusOr<Evaluation> Prepare(const v1::StepRequest& request, const Limits& limits,
                                   GraphCache* graphs = nullptr);

// Computes and fills an empty response; on an error its contents mean nothing. Errors are those of
// Execute.
absl::Status Run(const Evaluation& evaluation, const std::atomic<bool>& cancelled,
                 v1::ForwardResponse* response);
absl::Status Run(const Evaluation& evaluation, const std::atomic<bool>& cancelled,
                 v1::BackwardResponse* response);
absl::Status Run(const Evaluation& evaluation, const std::atomic<bool>& cancelled,
                 v1::StepResponse* response);

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_EVALUATION_H_
