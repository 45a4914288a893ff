#include "server/grading/assignment.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

#include "fmt/format.h"
#include "server/engine/execute.h"
#include "server/engine/plan.h"
#include "server/engine/quantity.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

constexpr size_t kMaxNameLength = 128;
constexpr int kMaxItems = 10'000;
constexpr int kMaxSymbols = 10'000;
constexpr double kMaxPoints = 1e6;
// A report at its most telling holds the key and the answer beside it.
constexpr double kCopiesOfKey = 2;
constexpr double kDefaultRelative = 1e-4;
constexpr double kDefaultAbsoluteShare = 1e-5;  // of the largest magnitude in the tensor

absl::Status NotYet(std::string field, std::string_view what) {
  return FieldError(std::move(field), Reason::kNotImplemented,
                    fmt::format("{} not implemented yet", what));
}

absl::Status CheckTolerance(const v1::Tolerance& tolerance, const std::string& path) {
  const auto check = [&](const char* field, double value) {
    if (std::isfinite(value) && value >= 0) return absl::OkStatus();
    return FieldError(fmt::format("{}.{}", path, field), Reason::kInvalidValue,
                      fmt::format("{} is not a finite number, 0 or more", value));
  };
  if (absl::Status s = check("relative", tolerance.relative()); !s.ok()) return s;
  return check("absolute", tolerance.absolute());
}

// Fields set in `item` win over those of `policy`, those over the defaults.
Tolerance EffectiveTolerance(const v1::Tolerance& item, const v1::Tolerance& policy,
                             double largest_magnitude) {
  Tolerance tolerance = {kDefaultRelative, kDefaultAbsoluteShare * largest_magnitude};
  for (const v1::Tolerance* given : {&policy, &item}) {
    if (given->has_relative()) tolerance.relative = given->relative();
    if (given->has_absolute()) tolerance.absolute = given->absolute();
  }
  return tolerance;
}

absl::StatusOr<int64_t> Thousandths(const v1::Item& item, const std::string& path) {
  const double points = item.has_points() ? item.points() : 1;
  const double thousandths = std::round(points * 1000);
  if (!(points >= 0 && points <= kMaxPoints) || std::abs(points * 1000 - thousandths) > 1e-6) {
    return FieldError(
        path + ".points", Reason::kInvalidValue,
        fmt::format("{} is no whole number of thousandths from 0 to {:.0f}", points, kMaxPoints));
  }
  return static_cast<int64_t>(thousandths);
}

// Of the finite elements: an infinity beside an element must not make every answer to it right.
double LargestMagnitude(const Tensor<double>& tensor) {
  double largest = 0;
  for (const double x : tensor.values()) {
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  }
  return largest;
}

// The key of an address among the aliases: `next(W)` and `W@1` are one.
std::string AliasOf(Address address) {
  if (address.kind == QuantityKind::kNext) {
    address.kind = QuantityKind::kValue;
    ++address.updates;
  }
  return FormatAddress(address);
}

}  // namespace

// Makes a CompiledAssignment, step by step.
class AssignmentCompiler {
 public:
  AssignmentCompiler(const v1::Assignment& assignment, const Limits& limits,
                     const std::atomic<bool>& cancelled)
      : assignment_(assignment), limits_(limits), cancelled_(cancelled) {}

  absl::StatusOr<CompiledAssignment> Compile() {
    if (absl::Status s = CheckHead(); !s.ok()) return s;
    if (absl::Status s = CheckPolicy(); !s.ok()) return s;
    if (absl::Status s = ReadProblemNames(); !s.ok()) return s;
    if (absl::Status s = ReadItems(); !s.ok()) return s;
    if (absl::Status s = ComputeKeys(); !s.ok()) return s;
    if (absl::Status s = AddAliases(); !s.ok()) return s;
    return std::move(result_);
  }

 private:
  absl::Status CheckHead() {
    if (assignment_.name().empty()) return FieldError("name", Reason::kMissingField, "unset");
    if (assignment_.name().size() > kMaxNameLength) {
      return FieldError("name", Reason::kLimitExceeded,
                        fmt::format("longer than {} characters", kMaxNameLength));
    }
    if (assignment_.problems_size() == 0) {
      return FieldError("problems", Reason::kMissingField, "empty; there is nothing to compute");
    }
    if (assignment_.items_size() == 0) {
      return FieldError("items", Reason::kMissingField, "empty; there is nothing to answer");
    }
    if (assignment_.items_size() > kMaxItems) {
      return FieldError(
          "items", Reason::kLimitExceeded,
          fmt::format("{} items, the limit is {}", assignment_.items_size(), kMaxItems));
    }
    if (assignment_.symbols_size() > kMaxSymbols) {
      return FieldError(
          "symbols", Reason::kLimitExceeded,
          fmt::format("{} symbols, the limit is {}", assignment_.symbols_size(), kMaxSymbols));
    }
    result_.name_ = assignment_.name();
    return absl::OkStatus();
  }

  absl::Status CheckPolicy() {
    const v1::Policy& policy = assignment_.policy();
    if (policy.has_required_digits())
      return NotYet("policy.required_digits", "required digits are");
    if (policy.allow_truncation()) return NotYet("policy.allow_truncation", "truncation is");
    if (policy.decimal_comma()) return NotYet("policy.decimal_comma", "a decimal comma is");
    if (policy.has_carried_credit()) return NotYet("policy.carried_credit", "carried credit is");
    if (policy.repeated_mistake() == v1::REPEATED_MISTAKE_CHARGE_ONCE) {
      return NotYet("policy.repeated_mistake", "charging a repeated mistake once is");
    }
    if (!v1::RepeatedMistake_IsValid(policy.repeated_mistake())) {
      return UnknownValue("policy.repeated_mistake", policy.repeated_mistake());
    }
    if (!v1::Credit_IsValid(policy.credit())) return UnknownValue("policy.credit", policy.credit());
    if (!v1::FeedbackLevel_IsValid(policy.feedback_level())) {
      return UnknownValue("policy.feedback_level", policy.feedback_level());
    }
    if (policy.credit() != v1::CREDIT_UNSPECIFIED) result_.credit_ = policy.credit();
    if (policy.feedback_level() != v1::FEEDBACK_LEVEL_UNSPECIFIED) {
      result_.feedback_level_ = policy.feedback_level();
    }
    return CheckTolerance(policy.tolerance(), "policy.tolerance");
  }

  static absl::Status UnknownValue(std::string field, int value) {
    return FieldError(std::move(field), Reason::kInvalidValue,
                      fmt::format("{} is no value of this field", value));
  }

  absl::Status ReadProblemNames() {
    for (int i = 0; i < assignment_.problems_size(); ++i) {
      const std::string& name = assignment_.problems(i).name();
      const std::string path = fmt::format("problems[{}].name", i);
      if (!IsName(name)) {
        return FieldError(path, Reason::kInvalidValue, ExplainNoName(name));
      }
      const auto [known, is_new] = problems_.try_emplace(name, i);
      if (!is_new) {
        return FieldError({path, name, Reason::kDuplicateName,
                           fmt::format("already the name of problems[{}]", known->second)});
      }
    }
    return absl::OkStatus();
  }

  // The index of a problem by its name, or the only problem where no name is given.
  absl::StatusOr<int> FindProblem(const std::string& name, const std::string& path) const {
    if (name.empty()) {
      if (assignment_.problems_size() == 1) return 0;
      return FieldError(
          path + ".problem", Reason::kMissingField,
          fmt::format("unset; the assignment has {} problems", assignment_.problems_size()));
    }
    const auto found = problems_.find(name);
    if (found == problems_.end()) {
      return FieldError(path + ".problem", Reason::kUnknownName,
                        fmt::format("no problem is named '{}'", name));
    }
    return found->second;
  }

  static absl::StatusOr<Address> ReadAddress(const std::string& text, const std::string& path) {
    absl::StatusOr<Address> address = ParseAddress(text);
    if (address.ok()) return address;
    return FieldError(path + ".quantity", Reason::kInvalidValue,
                      std::string(address.status().message()));
  }

  absl::Status ReadItems() {
    items_of_problem_.resize(static_cast<size_t>(assignment_.problems_size()));
    for (int i = 0; i < assignment_.items_size(); ++i) {
      const v1::Item& item = assignment_.items(i);
      const std::string path = fmt::format("items[{}]", i);
      if (item.id().empty() || item.id().size() > kMaxNameLength) {
        return FieldError(
            path + ".id", Reason::kInvalidValue,
            fmt::format("has {} characters, an id has 1 to {}", item.id().size(), kMaxNameLength));
      }
      const auto [known, is_new] = result_.by_id_.try_emplace(item.id(), static_cast<size_t>(i));
      if (!is_new) {
        return FieldError({path + ".id", item.id(), Reason::kDuplicateName,
                           fmt::format("already the id of items[{}]", known->second)});
      }
      if (item.has_required_digits()) {
        return NotYet(path + ".required_digits", "required digits are");
      }
      if (absl::Status s = CheckTolerance(item.tolerance(), path + ".tolerance"); !s.ok()) return s;
      const absl::StatusOr<int64_t> points = Thousandths(item, path);
      if (!points.ok()) return points.status();
      const absl::StatusOr<int> problem = FindProblem(item.problem(), path);
      if (!problem.ok()) return problem.status();
      switch (item.key_case()) {
        case v1::Item::kQuantity:
          break;
        case v1::Item::kFormula:
          return NotYet(path + ".formula", "keys given as formulas are");
        default:
          return FieldError(
              {path + ".key", item.id(), Reason::kMissingField, "unset; give quantity"});
      }
      absl::StatusOr<Address> address = ReadAddress(item.quantity(), path);
      if (!address.ok()) return address.status();
      addresses_.push_back(*std::move(address));
      items_of_problem_[static_cast<size_t>(*problem)].push_back(static_cast<size_t>(i));
      result_.items_.push_back({.id = item.id(), .points = *points, .tolerance = {}, .key = {}});
    }
    return absl::OkStatus();
  }

  // How far the problem must be computed for its items and no further: an item may not need an
  // optimizer.
  Scope ScopeOf(size_t problem) const {
    Scope scope = Scope::kForward;
    for (const size_t i : items_of_problem_[problem]) {
      const Address& address = addresses_[i];
      scope = std::max(scope, address.updates > 0 ? Scope::kStep : ScopeFor(address.kind));
    }
    return scope;
  }

  absl::Status ComputeKeys() {
    double flops = 0;
    double key_bytes = 0;
    for (size_t p = 0; p < items_of_problem_.size(); ++p) {
      const std::string path = fmt::format("problems[{}].problem", p);
      const v1::NamedProblem& named = assignment_.problems(static_cast<int>(p));
      if (!named.has_problem()) {
        return FieldError({path, named.name(), Reason::kMissingField, "unset"});
      }
      absl::StatusOr<Plan> plan = Plan::Make(named.problem(), ScopeOf(p), limits_);
      if (!plan.ok()) return WithFieldPrefix(plan.status(), path);
      absl::StatusOr<std::vector<Target>> targets = ResolveItems(p, *plan);
      if (!targets.ok()) return targets.status();
      if (absl::Status s = plan->CheckCost(limits_, 0); !s.ok()) return WithFieldPrefix(s, path);
      flops += plan->Flops();
      if (flops > limits_.max_flops) {
        return FieldError("problems", Reason::kLimitExceeded,
                          fmt::format("computing them takes about {:.2g} floating-point operations "
                                      "or more, the limit is {:.2g}",
                                      flops, limits_.max_flops));
      }
      for (const Target& target : *targets) {
        key_bytes += sizeof(double) *
                     (target.element.has_value()
                          ? 1.0
                          : static_cast<double>(plan->ShapeOf(target.quantity).element_count()));
      }
      if (kCopiesOfKey * key_bytes > limits_.max_response_bytes) {
        return FieldError("items", Reason::kLimitExceeded,
                          fmt::format("their keys take {:.0f} bytes or more, the limit is {:.0f}; "
                                      "ask for elements, or for fewer large tensors",
                                      key_bytes, limits_.max_response_bytes / kCopiesOfKey));
      }
      if (absl::Status s = ComputeProblem(p, *plan, *targets); !s.ok()) {
        return WithFieldPrefix(s, path);
      }
      plans_.push_back(*std::move(plan));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Target>> ResolveItems(size_t problem, Plan& plan) const {
    std::vector<Target> targets;
    for (const size_t i : items_of_problem_[problem]) {
      const std::string path = fmt::format("items[{}].quantity", i);
      const absl::StatusOr<Target> target = plan.Resolve(addresses_[i]);
      if (!target.ok()) {
        return FieldError({path, result_.items_[i].id, Reason::kUnknownName,
                           std::string(target.status().message())});
      }
      if (target->quantity.kind == QuantityKind::kValue &&
          !plan.graph().is_node(target->quantity.value)) {
        return FieldError({path, result_.items_[i].id, Reason::kInvalidValue,
                           fmt::format("'{}' is given, it can be no answer", addresses_[i].name)});
      }
      plan.Need(*target);
      targets.push_back(*target);
    }
    return targets;
  }

  absl::Status ComputeProblem(size_t problem, const Plan& plan,
                              const std::vector<Target>& targets) {
    // Which items ask for a quantity: a large assignment must not search all of them at each.
    std::map<std::pair<Quantity, int>, std::vector<size_t>> wanted;
    for (size_t t = 0; t < targets.size(); ++t) {
      wanted[{targets[t].quantity, targets[t].update}].push_back(t);
    }
    return Execute<double>(
        plan, cancelled_, [&](const Quantity& q, int update, const Tensor<double>& tensor) {
          ++order_;
          const auto found = wanted.find({q, update});
          if (found == wanted.end()) return;
          const double largest_magnitude = LargestMagnitude(tensor);
          for (const size_t t : found->second) {
            SetKey(items_of_problem_[problem][t], targets[t], tensor, largest_magnitude);
          }
        });
  }

  void SetKey(size_t i, const Target& target, const Tensor<double>& tensor,
              double largest_magnitude) {
    CompiledItem& item = result_.items_[i];
    item.order = order_;
    item.key =
        target.element.has_value() ? Tensor<double>(Shape(), {tensor[*target.element]}) : tensor;
    item.tolerance = EffectiveTolerance(assignment_.items(static_cast<int>(i)).tolerance(),
                                        assignment_.policy().tolerance(), largest_magnitude);
  }

  absl::Status AddAliases() {
    // An alias that means several items means none.
    std::unordered_set<std::string> ambiguous;
    const auto add = [&](const std::string& alias, size_t item) {
      const auto [known, is_new] = result_.by_alias_.try_emplace(alias, item);
      if (!is_new && known->second != item) ambiguous.insert(alias);
    };
    std::map<std::pair<int, std::string>, size_t> by_address;
    for (size_t p = 0; p < items_of_problem_.size(); ++p) {
      for (const size_t i : items_of_problem_[p]) {
        const std::string address = AliasOf(addresses_[i]);
        add(address, i);
        by_address.try_emplace({static_cast<int>(p), address}, i);
      }
    }
    std::set<std::pair<int, std::string>> seen;
    for (int i = 0; i < assignment_.symbols_size(); ++i) {
      const v1::Symbol& symbol = assignment_.symbols(i);
      const std::string path = fmt::format("symbols[{}]", i);
      if (symbol.name().empty() || symbol.name().size() > kMaxNameLength) {
        return FieldError(path + ".name", Reason::kInvalidValue,
                          fmt::format("has {} characters, a name has 1 to {}", symbol.name().size(),
                                      kMaxNameLength));
      }
      const absl::StatusOr<int> problem = FindProblem(symbol.problem(), path);
      if (!problem.ok()) return problem.status();
      if (!seen.emplace(*problem, symbol.name()).second) {
        return FieldError({path + ".name", symbol.name(), Reason::kDuplicateName,
                           "already a symbol of this problem"});
      }
      const absl::StatusOr<Address> address = ReadAddress(symbol.quantity(), path);
      if (!address.ok()) return address.status();
      const absl::StatusOr<Target> target = plans_[static_cast<size_t>(*problem)].Locate(*address);
      if (!target.ok()) {
        return FieldError({path + ".quantity", symbol.name(), Reason::kUnknownName,
                           std::string(target.status().message())});
      }
      const auto found = by_address.find({*problem, AliasOf(*address)});
      if (found != by_address.end()) add(symbol.name(), found->second);
    }
    for (const std::string& alias : ambiguous) result_.by_alias_.erase(alias);
    return absl::OkStatus();
  }

  const v1::Assignment& assignment_;
  const Limits& limits_;
  const std::atomic<bool>& cancelled_;
  CompiledAssignment result_;
  std::unordered_map<std::string, int> problems_;  // by name
  std::vector<std::vector<size_t>> items_of_problem_;
  std::vector<Address> addresses_;  // of the items
  std::vector<Plan> plans_;
  int64_t order_ = 0;  // quantities seen so far
};

absl::StatusOr<CompiledAssignment> CompiledAssignment::Compile(const v1::Assignment& assignment,
                                                               const Limits& limits,
                                                               const std::atomic<bool>& cancelled) {
  return AssignmentCompiler(assignment, limits, cancelled).Compile();
}

std::optional<size_t> CompiledAssignment::FindItem(std::string_view answer_name) const {
  const std::string name(answer_name);
  if (const auto found = by_id_.find(name); found != by_id_.end()) return found->second;
  if (const auto found = by_alias_.find(name); found != by_alias_.end()) return found->second;
  const absl::StatusOr<Address> address = ParseAddress(answer_name);
  if (!address.ok()) return std::nullopt;
  const auto found = by_alias_.find(AliasOf(*address));
  if (found == by_alias_.end()) return std::nullopt;
  return found->second;
}

}  // namespace gradus
