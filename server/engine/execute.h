#ifndef GRADUS_SERVER_ENGINE_EXECUTE_H_
#define GRADUS_SERVER_ENGINE_EXECUTE_H_

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "server/engine/graph.h"
#include "server/engine/plan.h"
#include "server/tensor/tensor.h"

namespace gradus {

// Sees every quantity once: the given ones first, then the computed ones in order of computation,
// update by update. The tensor is valid during the call only.
template <class T>
using Observer = std::function<void(const Quantity&, int update, const Tensor<T>&)>;

// The gradient that the objective starts from: the given one, or ones; empty without an objective.
// Errors are FieldErrors for numbers that are not finite.
template <class T>
absl::StatusOr<Tensor<T>> ReadUpstream(const Plan& plan);

// A slot of a parameter's optimizer state before the first update, given or as the rule has it.
// Errors likewise.
template <class T>
absl::StatusOr<Tensor<T>> ReadInitialState(const Plan& plan, int parameter, int slot);

// Computes all that a plan says, in the precision T. Errors: FieldErrors for numbers that are not
// finite or are no indices; CANCELLED soon after `cancelled` becomes true. Overflow during the
// computation is no error: the numbers say it.
template <class T>
absl::Status Execute(const Plan& plan, const std::atomic<bool>& cancelled,
                     const Observer<T>& observer);

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_EXECUTE_H_
