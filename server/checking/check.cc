#include "server/checking/check.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "server/checking/checker.h"
#include "server/engine/execute.h"
#include "server/engine/plan.h"
#include "server/status/field_error.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

// A gradient to check: ours, or the caller's.
struct Subject {
  ValueId value;
  const v1::NamedTensor* given;  // nullptr: ours
  std::string path;              // of its address
};

absl::StatusOr<std::vector<v1::CheckMethod>> ReadMethods(const v1::CheckRequest& request) {
  std::vector<v1::CheckMethod> methods;
  for (int i = 0; i < request.methods_size(); ++i) {
    v1::CheckMethod method = request.methods(i);
    const std::string path = fmt::format("methods[{}]", i);
    if (!v1::CheckMethod_IsValid(method)) {
      return FieldError(path, Reason::kInvalidValue,
                        fmt::format("{} is no method", static_cast<int>(method)));
    }
    if (method == v1::CHECK_METHOD_UNSPECIFIED) method = v1::CHECK_METHOD_FORWARD_MODE;
    if (std::find(methods.begin(), methods.end(), method) != methods.end()) {
      return FieldError(path, Reason::kDuplicateName,
                        fmt::format("{} is given twice", v1::CheckMethod_Name(method)));
    }
    methods.push_back(method);
  }
  if (methods.empty()) methods.push_back(v1::CHECK_METHOD_FORWARD_MODE);
  return methods;
}

// Finds the value whose gradient an address names.
absl::StatusOr<ValueId> FindGradient(const Plan& plan, const std::string& text,
                                     const std::string& path) {
  const absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) {
    return FieldError(path, Reason::kInvalidValue, std::string(address.status().message()));
  }
  if (address->kind != QuantityKind::kGradient || address->is_element || address->updates > 0) {
    return FieldError(path, Reason::kInvalidValue,
                      fmt::format("'{}' is no whole gradient, as grad(W) is", text));
  }
  const absl::StatusOr<Target> target = plan.Resolve(*address);
  if (!target.ok()) {
    return FieldError(path, Reason::kUnknownName, std::string(target.status().message()));
  }
  return target->quantity.value;
}

absl::StatusOr<std::vector<Subject>> ReadSubjects(const v1::CheckRequest& request, const Plan& plan,
                                                  const Limits& limits) {
  std::vector<Subject> subjects;
  if (request.gradients_size() > 0 && request.only_size() > 0) {
    return FieldError("only", Reason::kInvalidValue, "only and gradients exclude each other");
  }
  std::set<ValueId> seen;
  const auto add = [&](const std::string& text, const v1::NamedTensor* given,
                       std::string path) -> absl::Status {
    const absl::StatusOr<ValueId> value = FindGradient(plan, text, path);
    if (!value.ok()) return value.status();
    if (!seen.insert(*value).second) {
      return FieldError({std::move(path), text, Reason::kDuplicateName, "named before"});
    }
    subjects.push_back({*value, given, std::move(path)});
    return absl::OkStatus();
  };
  for (int i = 0; i < request.gradients_size(); ++i) {
    const v1::NamedTensor& given = request.gradients(i);
    const std::string path = fmt::format("gradients[{}]", i);
    if (absl::Status s = add(given.name(), &given, path + ".name"); !s.ok()) return s;
    const Shape& expected = plan.graph().value(subjects.back().value).shape;
    const absl::StatusOr<Shape> shape = ReadShape(given.tensor(), limits.max_tensor_elements);
    if (!shape.ok()) return WithFieldPrefix(shape.status(), path + ".tensor", given.name());
    if (*shape != expected) {
      return FieldError({path + ".tensor", given.name(), Reason::kShapeMismatch,
                         fmt::format("has shape {}, the gradient has {}", shape->ToString(),
                                     expected.ToString())});
    }
    subjects.back().path = path + ".tensor";
  }
  for (int i = 0; i < request.only_size(); ++i) {
    if (absl::Status s = add(request.only(i), nullptr, fmt::format("only[{}]", i)); !s.ok()) {
      return s;
    }
  }
  if (!subjects.empty()) return subjects;
  for (const Quantity& q : plan.graph().gradient_order()) {
    if (q.kind == QuantityKind::kGradient) subjects.push_back({q.value, nullptr, ""});
  }
  return subjects;
}

// Refuses what would take more than the limits, before anything is computed.
absl::Status CheckCost(const Plan& plan, std::span<const v1::CheckMethod> methods,
                       std::span<const Subject> subjects, const Limits& limits) {
  if (absl::Status s = plan.CheckCost(limits, ResponseSize()); !s.ok()) return s;
  const Graph& graph = plan.graph();
  // Executing the plan makes the numbers that are checked; then come those of the checker.
  const double bytes = plan.BytesToExecute() + std::max(plan.BytesToExecute(), CheckerBytes(graph));
  if (bytes > limits.max_bytes) {
    return FieldError("network", Reason::kLimitExceeded,
                      fmt::format("checking this takes about {:.0f} bytes, the limit is {:.0f}",
                                  bytes, limits.max_bytes));
  }
  double flops = plan.Flops() + CheckerFlops(graph);
  double response_bytes = 0;
  for (const Subject& subject : subjects) {
    if (flops > limits.max_flops) break;
    flops += CheckFlops(graph, subject.value, methods);
    response_bytes +=
        static_cast<double>(methods.size()) * CheckResultBytes(graph.value(subject.value));
  }
  if (response_bytes > limits.max_response_bytes) {
    return FieldError("methods", Reason::kLimitExceeded,
                      fmt::format("the results take up to {:.0f} bytes, the limit is {:.0f}; name "
                                  "fewer gradients in only",
                                  response_bytes, limits.max_response_bytes));
  }
  if (flops > limits.max_flops) {
    return FieldError(
        "methods", Reason::kLimitExceeded,
        fmt::format("checking all this takes at least {:.3g} floating-point operations, "
                    "the limit is {:.2g}; name fewer gradients in only, or use "
                    "CHECK_METHOD_RANDOM_DIRECTION",
                    flops, limits.max_flops));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor<double>> GradientOf(const Subject& subject, const World<double>& world) {
  const Tensor<double>& ours = world.gradient(subject.value);
  if (subject.given == nullptr) return ours;
  auto given = ReadValues<double>(subject.given->tensor(), ours.shape());
  if (!given.ok()) return WithFieldPrefix(given.status(), subject.path, subject.given->name());
  return *std::move(given);
}

}  // namespace

absl::Status Check(const v1::CheckRequest& request, const Limits& limits,
                   const std::atomic<bool>& cancelled, v1::CheckResponse* response,
                   GraphCache* graphs) {
  if (!request.has_problem()) return FieldError("problem", Reason::kMissingField, "unset");
  const double relative = request.relative_tolerance();
  if (!std::isfinite(relative) || relative < 0) {
    return FieldError("relative_tolerance", Reason::kInvalidValue,
                      fmt::format("{} is not finite and 0 or more", relative));
  }
  const auto methods = ReadMethods(request);
  if (!methods.ok()) return methods.status();
  const absl::StatusOr<Plan> plan = Plan::Make(request.problem(), Scope::kBackward, limits, graphs);
  if (!plan.ok()) return plan.status();
  const auto subjects = ReadSubjects(request, *plan, limits);
  if (!subjects.ok()) return subjects.status();
  if (absl::Status s = CheckCost(*plan, *methods, *subjects, limits); !s.ok()) return s;

  const Graph& graph = plan->graph();
  World<double> world(graph);
  absl::Status executed = Execute<double>(
      *plan, cancelled,
      [&](const Quantity& q, int, const Tensor<double>& tensor) { world.At(q) = tensor; });
  if (!executed.ok()) return executed;
  // Executing the plan has found its numbers sound.
  const Tensor<double> upstream = *ReadUpstream<double>(*plan);

  Checker checker(graph, world, upstream, {relative, request.seed()}, cancelled);
  for (const v1::CheckMethod method : *methods) {
    for (const Subject& subject : *subjects) {
      const auto gradient = GradientOf(subject, world);
      if (!gradient.ok()) return gradient.status();
      *response->add_results() = checker.Check(subject.value, *gradient, method);
      if (cancelled.load(std::memory_order_relaxed)) {
        return absl::CancelledError("cancelled by the caller");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace gradus
