#ifndef GRADUS_SERVER_ENGINE_PLAN_H_
#define GRADUS_SERVER_ENGINE_PLAN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "gradus/v1/problem.pb.h"
#include "gradus/v1/trace.pb.h"
#include "server/engine/graph.h"
#include "server/engine/graph_cache.h"
#include "server/engine/limits.h"
#include "server/engine/quantity.h"

namespace gradus {

// How far a computation goes. Each includes the ones before it.
enum class Scope { kForward, kBackward, kStep };

// How far a computation must go to make a quantity of this kind.
Scope ScopeFor(QuantityKind kind);

// A quantity in a computation of several updates, or one element of it.
struct Target {
  Quantity quantity;
  int update = 0;                  // updates made before it
  std::optional<int64_t> element;  // row-major position; nullopt: the whole tensor
};

// A pin whose address and shape are sound.
struct ResolvedPin {
  Target target;
  const v1::Tensor* value;
  std::string path;  // of the tensor, for errors in its numbers
};

// Where the numbers of an input come from.
struct InputSource {
  const v1::Tensor* tensor;
  int batch;  // -1: Problem.inputs
  int index;  // in that list

  // Path of the tensor, for errors in its numbers.
  std::string Path() const;
};

// A slot of the optimizer's state that a problem gives.
struct SlotSource {
  const v1::Tensor* tensor;
  std::string path;  // of the tensor, for errors in its numbers
};

// What a response holds, estimated.
struct ResponseSize {
  double entries = 0;        // tensors with their names
  double content_bytes = 0;  // of numbers and names

  double wire_bytes() const {
    // What an entry of a trace takes beside its numbers and the name in its address.
    constexpr double kBytesPerEntry = 64;
    return content_bytes + kBytesPerEntry * entries;
  }
  // In memory, where each entry is several objects.
  double bytes() const {
    constexpr double kMoreBytesPerEntry = 512;
    return wire_bytes() + kMoreBytesPerEntry * entries;
  }

  ResponseSize& operator+=(const ResponseSize& other) {
    entries += other.entries;
    content_bytes += other.content_bytes;
    return *this;
  }
};

// A Problem that is sound, and what is to be computed of it: everything is known but the numbers.
// The Problem and the pins must outlive the Plan and stay as they are.
class Plan {
 public:
  // Checks everything but the numbers and the cost. Errors are FieldErrors with paths relative to
  // the Problem. `graphs` may be null; else the network's graph is looked up there.
  static absl::StatusOr<Plan> Make(const v1::Problem& problem, Scope scope, const Limits& limits,
                                   GraphCache* graphs = nullptr);

  // Finds what an address means here. A quantity that the plan's scope does not compute is an
  // error, but for those after the last update of a step: `L@1`. The error is INVALID_ARGUMENT
  // without a field.
  absl::StatusOr<Target> Resolve(const Address& address) const;
  // The same, whether the plan computes it or not.
  absl::StatusOr<Target> Locate(const Address& address) const;

  // Extends the plan so that it computes the target also where that lies after the last update.
  void Need(const Target& target);

  // Checks and adds a request's pins. Errors are FieldErrors with paths `pins[i]...`.
  absl::Status AddPins(const google::protobuf::RepeatedPtrField<v1::Pin>& pins);

  const v1::Problem& problem() const { return *problem_; }
  const Graph& graph() const { return *graph_; }
  Scope scope() const { return scope_; }
  const std::vector<ResolvedPin>& pins() const { return pins_; }

  // Updates made: 0 unless the scope is kStep.
  int update_count() const { return update_count_; }
  // Worlds to compute: one per update, and one after the last if something in it is needed.
  int world_count() const {
    return scope_ == Scope::kStep ? update_count_ + (after_last_.has_value() ? 1 : 0) : 1;
  }
  // How far world `update` goes.
  Scope ScopeOf(int update) const {
    return scope_ == Scope::kStep && update == update_count_ ? *after_last_ : scope_;
  }
  // Number of a world's update among all since the optimizer began, from 1.
  int64_t UpdateNumber(int update) const {
    return problem_->optimizer_state().update_count() + update + 1;
  }
  // Slots that the optimizer keeps for each parameter; 0 if nothing is updated.
  int slot_count() const { return scope_ == Scope::kStep ? static_cast<int>(slots_.size()) : 0; }
  std::string_view SlotName(int slot) const { return slots_[static_cast<size_t>(slot)]; }
  // What a slot holds before the first update: the given tensor of a parameter, or else one number.
  std::optional<SlotSource> StateOf(int parameter, int slot) const;
  double InitialState(int slot) const;
  // The numbers of an input during an update.
  InputSource SourceOf(int input, int update) const;

  // The quantities that world `update` computes, in order.
  std::vector<Quantity> Order(int update) const;
  // Canonical address of a quantity.
  std::string AddressOf(const Quantity& quantity, int update) const;
  const Shape& ShapeOf(const Quantity& quantity) const {
    return graph_->value(quantity.value).shape;
  }

  // What a quantity takes in a response, and all that are computed.
  ResponseSize SizeOf(const Quantity& quantity) const;
  ResponseSize SizeOfAll() const;
  // The same of all parameters after an update with their state.
  ResponseSize SizeOfUpdate() const;
  // Bytes of memory that executing the plan takes, all held numbers, estimated.
  double BytesToExecute() const;
  // Refuses a plan that costs more than the limits, with such a response.
  absl::Status CheckCost(const Limits& limits, const ResponseSize& response) const;
  // Estimated floating-point operations.
  double Flops() const;
  // The same as time on one core, to decide which thread computes.
  double EstimatedMicroseconds() const;

 private:
  Plan(const v1::Problem& problem, Scope scope, std::shared_ptr<const Graph> graph)
      : problem_(&problem), scope_(scope), graph_(std::move(graph)) {}

  absl::Status CheckStep(const Limits& limits);
  absl::Status CheckState(const Limits& limits);
  absl::Status CheckUpstream(const Limits& limits) const;

  const v1::Problem* problem_;
  Scope scope_;
  std::shared_ptr<const Graph> graph_;
  // By batch, then by input: the index in that batch's list, or -1 for the Problem's own.
  std::vector<std::vector<int>> batch_inputs_;
  std::vector<int> problem_inputs_;  // by input: the index in Problem.inputs
  std::span<const std::string_view> slots_;
  // By parameter, then by slot. Only what the problem gives.
  std::map<std::pair<int, int>, SlotSource> states_;
  int update_count_ = 0;
  std::optional<Scope> after_last_;
  std::vector<ResolvedPin> pins_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_ENGINE_PLAN_H_
