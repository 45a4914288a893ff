#include "server/engine/evaluation.h"

#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "server/engine/execute.h"
#include "server/status/field_error.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

// Addresses of numbers that are not finite, in one response.
constexpr int kMaxNonFinite = 16;

absl::StatusOr<Selection> Select(const v1::TraceOptions& options, Plan& plan) {
  Selection selection;
  if (!v1::TensorEncoding_IsValid(options.encoding())) {
    return FieldError("trace.encoding", Reason::kInvalidValue,
                      fmt::format("{} is no encoding", static_cast<int>(options.encoding())));
  }
  selection.encoding = options.encoding();
  if (options.none() && options.only_size() > 0) {
    return FieldError("trace.none", Reason::kInvalidValue, "only and none exclude each other");
  }
  selection.all = !options.none() && options.only_size() == 0;
  for (int i = 0; i < options.only_size(); ++i) {
    const std::string path = fmt::format("trace.only[{}]", i);
    const absl::StatusOr<Address> address = ParseAddress(options.only(i));
    if (!address.ok()) {
      return FieldError(path, Reason::kInvalidValue, std::string(address.status().message()));
    }
    if (address->is_element) {
      return FieldError(
          path, Reason::kInvalidValue,
          fmt::format("'{}' is an element, a trace holds whole quantities", options.only(i)));
    }
    const absl::StatusOr<Target> target = plan.Resolve(*address);
    if (!target.ok()) {
      return FieldError(path, Reason::kUnknownName, std::string(target.status().message()));
    }
    plan.Need(*target);
    selection.only.emplace(target->quantity, target->update);
  }
  return selection;
}

ResponseSize SizeOfResponse(const Selection& selection, const Plan& plan) {
  ResponseSize size;
  if (selection.all) size = plan.SizeOfAll();
  for (const auto& [quantity, update] : selection.only) size += plan.SizeOf(quantity);
  if (plan.scope() == Scope::kStep) size += plan.SizeOfUpdate();
  return size;
}

template <class Request>
absl::StatusOr<Evaluation> PrepareRequest(const Request& request, Scope scope, const Limits& limits,
                                          GraphCache* graphs) {
  if (!request.has_problem()) return FieldError("problem", Reason::kMissingField, "unset");
  absl::StatusOr<Plan> plan = Plan::Make(request.problem(), scope, limits, graphs);
  if (!plan.ok()) return plan.status();
  if (absl::Status s = plan->AddPins(request.pins()); !s.ok()) return s;
  absl::StatusOr<Selection> selection = Select(request.trace(), *plan);
  if (!selection.ok()) return selection.status();
  if (absl::Status s = plan->CheckCost(limits, SizeOfResponse(*selection, *plan)); !s.ok()) {
    return s;
  }
  return Evaluation{*std::move(plan), *std::move(selection)};
}

std::string OpName(const Graph& graph, ValueId id) {
  switch (graph.value(id).kind) {
    case ValueKind::kInput:
      return "input";
    case ValueKind::kParameter:
      return "parameter";
    case ValueKind::kNode:
      break;
  }
  return std::string(graph.node(id).op->name());
}

// Writes what an execution shows into a trace.
template <class T>
class TraceWriter {
 public:
  TraceWriter(const Evaluation& evaluation, v1::Trace* trace)
      : plan_(evaluation.plan), selection_(evaluation.selection), trace_(trace) {}

  void operator()(const Quantity& q, int update, const Tensor<T>& tensor) {
    const bool given = q.kind == QuantityKind::kValue && !plan_.graph().is_node(q.value);
    if (!given) NoteNonFinite(q, update, tensor);
    // next(W) of one update and W@1 of the following world are the same quantity: it is written
    // once.
    const bool repeated =
        given && update > 0 && plan_.graph().value(q.value).kind == ValueKind::kParameter;
    const bool selected =
        selection_.all ? !given : !repeated && selection_.only.contains({q, update});
    if (!selected) return;
    v1::TraceEntry* entry = trace_->add_entries();
    entry->set_address(plan_.AddressOf(q, update));
    entry->set_op(OpName(plan_.graph(), q.value));
    WriteTensor(tensor, selection_.encoding, entry->mutable_tensor());
  }

 private:
  void NoteNonFinite(const Quantity& q, int update, const Tensor<T>& tensor) {
    for (int64_t i = 0; i < tensor.size() && trace_->non_finite_size() < kMaxNonFinite; ++i) {
      if (std::isfinite(tensor[i])) continue;
      const std::string address = plan_.AddressOf(q, update);
      trace_->add_non_finite(
          tensor.shape().rank() == 0 ? address : FormatElement(address, tensor.shape(), i));
    }
  }

  const Plan& plan_;
  const Selection& selection_;
  v1::Trace* trace_;
};

// Runs in the precision that the problem asks for. `observe` is called for every quantity, in that
// precision.
template <class Observe>
absl::Status RunInPrecision(const Evaluation& evaluation, const std::atomic<bool>& cancelled,
                            v1::Trace* trace, Observe observe) {
  const auto run = [&]<class T>(T) {
    TraceWriter<T> writer(evaluation, trace);
    return Execute<T>(evaluation.plan, cancelled,
                      [&](const Quantity& q, int update, const Tensor<T>& tensor) {
                        writer(q, update, tensor);
                        observe(q, update, tensor);
                      });
  };
  return evaluation.plan.problem().precision() == v1::PRECISION_FLOAT ? run(float())
                                                                      : run(double());
}

constexpr auto kObserveNothing = [](const Quantity&, int, const auto&) {};

}  // namespace

absl::StatusOr<Evaluation> Prepare(const v1::ForwardRequest& request, const Limits& limits,
                                   GraphCache* graphs) {
  return PrepareRequest(request, Scope::kForward, limits, graphs);
}
absl::StatusOr<Evaluation> Prepare(const v1::BackwardRequest& request, const Limits& limits,
                                   GraphCache* graphs) {
  return PrepareRequest(request, Scope::kBackward, limits, graphs);
}
absl::StatusOr<Evaluation> Prepare(const v1::StepRequest& request, const Limits& limits,
                                   GraphCache* graphs) {
  return PrepareRequest(request, Scope::kStep, limits, graphs);
}

absl::Status Run(const Evaluation& evaluation, const std::atomic<bool>& cancelled,
                 v1::ForwardResponse* response) {
  return RunInPrecision(evaluation, cancelled, response->mutable_trace(), kObserveNothing);
}

absl::Status Run(const Evaluation& evaluation, const std::atomic<bool>& cancelled,
                 v1::BackwardResponse* response) {
  return RunInPrecision(evaluation, cancelled, response->mutable_trace(), kObserveNothing);
}

absl::Status Run(const Evaluation& evaluation, const std::atomic<bool>& cancelled,
                 v1::StepResponse* response) {
  const Plan& plan = evaluation.plan;
  const int last = plan.update_count() - 1;
  const auto encoding = evaluation.selection.encoding;
  v1::OptimizerState& state = *response->mutable_optimizer_state();
  const auto keep_last = [&](const Quantity& q, int update, const auto& tensor) {
    if (update != last) return;
    const std::string& name = plan.graph().value(q.value).name;
    if (q.kind == QuantityKind::kState) {
      if (q.slot == 0) state.add_parameters()->set_parameter(name);
      v1::NamedTensor* slot = state.mutable_parameters(state.parameters_size() - 1)->add_slots();
      slot->set_name(std::string(plan.SlotName(q.slot)));
      WriteTensor(tensor, encoding, slot->mutable_tensor());
    } else if (q.kind == QuantityKind::kNext) {
      v1::NamedTensor* parameter = response->add_parameters();
      parameter->set_name(name);
      WriteTensor(tensor, encoding, parameter->mutable_tensor());
    }
  };
  absl::Status status = RunInPrecision(evaluation, cancelled, response->mutable_trace(), keep_last);
  state.set_update_count(plan.problem().optimizer_state().update_count() + plan.update_count());
  return status;
}

}  // namespace gradus
