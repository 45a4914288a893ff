#include "server/grading/assignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

#include "fmt/format.h"
#include "server/engine/plan.h"
#include "server/engine/quantity.h"
#include "server/grading/digits.h"
#include "server/status/field_error.h"
#include "server/tensor/largest_magnitude.h"

namespace gradus {
namespace {

constexpr size_t kMaxNameLength = 128;
constexpr int kMaxItems = 10'000;
constexpr int kMaxSymbols = 10'000;
constexpr double kMaxPoints = 1e6;
// A report at its most telling holds the key and the answer beside it.
constexpr double kCopiesOfKey = 2;
// Grading holds the truth and, as numbers and intervals, two more worlds.
constexpr double kBytesPerKeyByte = 7;
constexpr double kMostReplays = 64;
constexpr double kDefaultRelative = 1e-4;
constexpr double kDefaultAbsoluteShare = 1e-5;  // of the largest magnitude in the tensor
// What computing may leave where numbers cancel, relative to the largest of them: some sixty terms
// of one rounding each.
constexpr double kLeftByRounding = 64 * std::numeric_limits<double>::epsilon();

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

// The key of an address among the aliases: `next(W)` and `W@1` are one.
std::string AliasOf(Address address) {
  if (address.kind == QuantityKind::kNext) {
    address.kind = QuantityKind::kValue;
    ++address.updates;
  }
  return FormatAddress(address);
}

bool IsGiven(const Plan& plan, const Target& target) {
  return target.quantity.kind == QuantityKind::kValue &&
         !plan.graph().is_node(target.quantity.value);
}

}  // namespace

// Makes a CompiledAssignment, step by step.
class AssignmentCompiler {
 public:
  AssignmentCompiler(const v1::Assignment& assignment, const Limits& limits,
                     const std::atomic<bool>& cancelled)
      : limits_(limits), cancelled_(cancelled) {
    result_.assignment_ = std::make_unique<const v1::Assignment>(assignment);
  }

  absl::StatusOr<CompiledAssignment> Compile() {
    if (absl::Status s = CheckHead(); !s.ok()) return s;
    if (absl::Status s = CheckPolicy(); !s.ok()) return s;
    if (absl::Status s = ReadProblemNames(); !s.ok()) return s;
    if (absl::Status s = ReadItems(); !s.ok()) return s;
    if (absl::Status s = MakePlans(); !s.ok()) return s;
    if (absl::Status s = ReadSymbols(); !s.ok()) return s;
    if (absl::Status s = ReadKeys(); !s.ok()) return s;
    if (absl::Status s = ComputeKeys(); !s.ok()) return s;
    AddAliases();
    return std::move(result_);
  }

 private:
  const v1::Assignment& assignment() const { return *result_.assignment_; }

  absl::Status CheckHead() {
    if (assignment().name().empty()) return FieldError("name", Reason::kMissingField, "unset");
    if (assignment().name().size() > kMaxNameLength) {
      return FieldError("name", Reason::kLimitExceeded,
                        fmt::format("longer than {} characters", kMaxNameLength));
    }
    if (assignment().problems_size() == 0) {
      return FieldError("problems", Reason::kMissingField, "empty; there is nothing to compute");
    }
    if (assignment().items_size() == 0) {
      return FieldError("items", Reason::kMissingField, "empty; there is nothing to answer");
    }
    if (assignment().items_size() > kMaxItems) {
      return FieldError(
          "items", Reason::kLimitExceeded,
          fmt::format("{} items, the limit is {}", assignment().items_size(), kMaxItems));
    }
    if (assignment().symbols_size() > kMaxSymbols) {
      return FieldError(
          "symbols", Reason::kLimitExceeded,
          fmt::format("{} symbols, the limit is {}", assignment().symbols_size(), kMaxSymbols));
    }
    return absl::OkStatus();
  }

  absl::Status CheckPolicy() {
    const v1::Policy& policy = assignment().policy();
    if (policy.has_required_digits()) {
      if (absl::Status status =
              CheckRequiredDigits(policy.required_digits(), "policy.required_digits");
          !status.ok()) {
        return status;
      }
    }
    if (policy.has_carried_credit() &&
        !(policy.carried_credit() >= 0 && policy.carried_credit() <= 1)) {
      return FieldError("policy.carried_credit", Reason::kInvalidValue,
                        fmt::format("{} is not from 0 to 1", policy.carried_credit()));
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
    for (int i = 0; i < assignment().problems_size(); ++i) {
      const std::string& name = assignment().problems(i).name();
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
      if (assignment().problems_size() == 1) return 0;
      return FieldError(
          path + ".problem", Reason::kMissingField,
          fmt::format("unset; the assignment has {} problems", assignment().problems_size()));
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
    items_of_problem_.resize(static_cast<size_t>(assignment().problems_size()));
    for (int i = 0; i < assignment().items_size(); ++i) {
      const v1::Item& item = assignment().items(i);
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
        absl::Status digits =
            CheckRequiredDigits(item.required_digits(), path + ".required_digits");
        if (!digits.ok()) return digits;
      }
      if (absl::Status s = CheckTolerance(item.tolerance(), path + ".tolerance"); !s.ok()) return s;
      const absl::StatusOr<int64_t> points = Thousandths(item, path);
      if (!points.ok()) return points.status();
      const absl::StatusOr<int> problem = FindProblem(item.problem(), path);
      if (!problem.ok()) return problem.status();
      Address address;
      if (item.key_case() == v1::Item::kQuantity) {
        absl::StatusOr<Address> read = ReadAddress(item.quantity(), path);
        if (!read.ok()) return read.status();
        address = *std::move(read);
      } else if (item.key_case() != v1::Item::kFormula) {
        return FieldError(
            {path + ".key", item.id(), Reason::kMissingField, "unset; give quantity or formula"});
      }
      addresses_.push_back(std::move(address));
      items_of_problem_[static_cast<size_t>(*problem)].push_back(static_cast<size_t>(i));
      CompiledItem& compiled = result_.items_.emplace_back();
      compiled.id = item.id();
      compiled.points = *points;
      compiled.problem = static_cast<size_t>(*problem);
    }
    return absl::OkStatus();
  }

  // How far the problem must be computed for its items and no further: an item may not need an
  // optimizer. A formula may name what a backward pass makes, if there is an objective.
  Scope ScopeOf(size_t problem, const v1::Problem& definition) const {
    Scope scope = Scope::kForward;
    for (const size_t i : items_of_problem_[problem]) {
      const v1::Item& item = assignment().items(static_cast<int>(i));
      if (item.key_case() == v1::Item::kFormula) {
        if (!definition.objective().empty()) scope = std::max(scope, Scope::kBackward);
        continue;
      }
      const Address& address = addresses_[i];
      scope = std::max(scope, address.updates > 0 ? Scope::kStep : ScopeFor(address.kind));
    }
    return scope;
  }

  absl::Status MakePlans() {
    result_.bytes_ = static_cast<double>(assignment().ByteSizeLong());
    double flops = 0;
    double bytes = 0;
    double key_bytes = 0;
    for (size_t p = 0; p < items_of_problem_.size(); ++p) {
      const std::string path = PathOfProblem(p);
      const v1::NamedProblem& named = assignment().problems(static_cast<int>(p));
      if (!named.has_problem()) {
        return FieldError({path, named.name(), Reason::kMissingField, "unset"});
      }
      absl::StatusOr<Plan> plan = Plan::Make(named.problem(), ScopeOf(p, named.problem()), limits_);
      if (!plan.ok()) return WithFieldPrefix(plan.status(), path);
      for (const size_t i : items_of_problem_[p]) {
        if (absl::Status s = ResolveItem(i, *plan); !s.ok()) return s;
        if (result_.items_[i].target.has_value()) {
          const Target& target = *result_.items_[i].target;
          key_bytes += sizeof(double) *
                       (target.element.has_value()
                            ? 1.0
                            : static_cast<double>(plan->ShapeOf(target.quantity).element_count()));
        }
      }
      if (absl::Status s = plan->CheckCost(limits_, ResponseSize()); !s.ok()) {
        return WithFieldPrefix(s, path);
      }
      flops += plan->Flops() + CompiledProblem::CertificationFlops(*plan);
      if (flops > limits_.max_flops) {
        return FieldError("problems", Reason::kLimitExceeded,
                          fmt::format("computing them takes about {:.2g} floating-point operations "
                                      "or more, the limit is {:.2g}",
                                      flops, limits_.max_flops));
      }
      const double truth_bytes = plan->SizeOfAll().wire_bytes();
      result_.bytes_ += truth_bytes;
      bytes += kBytesPerKeyByte * truth_bytes;
      if (bytes > limits_.max_bytes) {
        return FieldError("problems", Reason::kLimitExceeded,
                          fmt::format("grading them takes about {:.0f} bytes or more, the limit is "
                                      "{:.0f}",
                                      bytes, limits_.max_bytes));
      }
      if (kCopiesOfKey * key_bytes > limits_.max_response_bytes) {
        return FieldError("items", Reason::kLimitExceeded,
                          fmt::format("their keys take {:.0f} bytes or more, the limit is {:.0f}; "
                                      "ask for elements, or for fewer large tensors",
                                      key_bytes, limits_.max_response_bytes / kCopiesOfKey));
      }
      result_.replays_.push_back(static_cast<int>(
          std::min(kMostReplays, limits_.max_flops / (kFlopsPerGradedFlop * plan->Flops()))));
      plans_.push_back(*std::move(plan));
    }
    return absl::OkStatus();
  }

  static std::string PathOfProblem(size_t problem) {
    return fmt::format("problems[{}].problem", problem);
  }

  absl::Status ResolveItem(size_t i, Plan& plan) {
    if (assignment().items(static_cast<int>(i)).key_case() == v1::Item::kFormula) {
      return absl::OkStatus();
    }
    const std::string path = fmt::format("items[{}].quantity", i);
    const absl::StatusOr<Target> target = plan.Resolve(addresses_[i]);
    if (!target.ok()) {
      return FieldError({path, result_.items_[i].id, Reason::kUnknownName,
                         std::string(target.status().message())});
    }
    if (IsGiven(plan, *target)) {
      return FieldError({path, result_.items_[i].id, Reason::kInvalidValue,
                         fmt::format("'{}' is given, it can be no answer", addresses_[i].name)});
    }
    plan.Need(*target);
    result_.items_[i].target = *target;
    return absl::OkStatus();
  }

  absl::Status ReadSymbols() {
    result_.problems_.resize(plans_.size());
    for (int i = 0; i < assignment().symbols_size(); ++i) {
      const v1::Symbol& symbol = assignment().symbols(i);
      const std::string path = fmt::format("symbols[{}]", i);
      if (symbol.name().empty() || symbol.name().size() > kMaxNameLength) {
        return FieldError(path + ".name", Reason::kInvalidValue,
                          fmt::format("has {} characters, a name has 1 to {}", symbol.name().size(),
                                      kMaxNameLength));
      }
      const absl::StatusOr<int> problem = FindProblem(symbol.problem(), path);
      if (!problem.ok()) return problem.status();
      const auto p = static_cast<size_t>(*problem);
      const absl::StatusOr<Address> address = ReadAddress(symbol.quantity(), path);
      if (!address.ok()) return address.status();
      const absl::StatusOr<Target> target = plans_[p].Locate(*address);
      if (!target.ok()) {
        return FieldError({path + ".quantity", symbol.name(), Reason::kUnknownName,
                           std::string(target.status().message())});
      }
      if (!result_.problems_[p].symbols.emplace(symbol.name(), *target).second) {
        return FieldError({path + ".name", symbol.name(), Reason::kDuplicateName,
                           "already a symbol of this problem"});
      }
    }
    return absl::OkStatus();
  }

  // Computes all problems, and reads the formulas that are keys.
  absl::Status ReadKeys() {
    int64_t order = 0;
    for (size_t p = 0; p < plans_.size(); ++p) {
      AskedProblem& asked = result_.problems_[p];
      absl::StatusOr<CompiledProblem> problem =
          CompiledProblem::Make(std::move(plans_[p]), cancelled_);
      if (!problem.ok()) return WithFieldPrefix(problem.status(), PathOfProblem(p));
      asked.problem = std::make_unique<const CompiledProblem>(*std::move(problem));
      asked.draws = std::make_unique<const FormulaDraws>(asked.problem->plan());
      for (int update = 0; update < asked.problem->world_count(); ++update) {
        for (const Quantity& q : asked.problem->order(update)) {
          asked.order[{update, q}] = ++order;
        }
      }
      for (const size_t i : items_of_problem_[p]) {
        CompiledItem& item = result_.items_[i];
        if (item.target.has_value()) {
          asked.items[{item.target->update, item.target->quantity}].push_back(i);
          item.order = asked.order.at({item.target->update, item.target->quantity});
        } else if (absl::Status s = ReadKeyFormula(i); !s.ok()) {
          return s;
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadKeyFormula(size_t i) {
    CompiledItem& item = result_.items_[i];
    AskedProblem& asked = result_.problems_[item.problem];
    absl::StatusOr<Formula> formula =
        result_.ReadFormula(assignment().items(static_cast<int>(i)).formula(), item.problem,
                            std::numeric_limits<int64_t>::max());
    if (!formula.ok()) {
      return FieldError({fmt::format("items[{}].formula", i), item.id, Reason::kInvalidValue,
                         std::string(formula.status().message())});
    }
    std::pair<int, Quantity> last = {0, asked.problem->order(0).front()};
    for (const Target& variable : formula->variables()) {
      const auto found = asked.order.find({variable.update, variable.quantity});
      if (found != asked.order.end() && found->second > asked.order.at(last)) last = found->first;
    }
    item.order = asked.order.at(last);
    asked.formula_items[last].push_back(i);
    item.formula = *std::move(formula);
    return absl::OkStatus();
  }

  // What required digits count from: the largest magnitude, or 0 where that is no more than what
  // rounding leaves of a sum that is zero on paper. Its digits are not to be asked for.
  static double MagnitudeOfDigits(const CompiledItem& item, const CompiledProblem& problem) {
    double largest = 0;  // of what it is computed from
    if (item.target.has_value()) {
      for (const Quantity& q : problem.DependenciesOf(item.target->quantity)) {
        const Target read = {q, item.target->update, std::nullopt};
        largest = std::max(largest, LargestMagnitude(problem.TruthOf(read)));
      }
    } else {
      for (const Target& variable : item.formula->variables()) {
        const double number = problem.TruthOf(variable)[*variable.element];
        if (std::isfinite(number)) largest = std::max(largest, std::abs(number));
      }
    }
    return item.largest_magnitude <= kLeftByRounding * largest ? 0 : item.largest_magnitude;
  }

  absl::Status ComputeKeys() {
    for (size_t i = 0; i < result_.items_.size(); ++i) {
      CompiledItem& item = result_.items_[i];
      const CompiledProblem& problem = *result_.problems_[item.problem].problem;
      if (item.target.has_value()) {
        const Tensor<double>& tensor = problem.TruthOf(*item.target);
        item.largest_magnitude = LargestMagnitude(tensor);
        item.key = item.target->element.has_value()
                       ? Tensor<double>(Shape(), {tensor[*item.target->element]})
                       : tensor;
      } else {
        item.key =
            Tensor<double>(Shape(), {result_.problems_[item.problem].ValueOf(*item.formula)});
        item.largest_magnitude = LargestMagnitude(item.key);
      }
      const v1::Item& definition = assignment().items(static_cast<int>(i));
      item.tolerance = EffectiveTolerance(definition.tolerance(), assignment().policy().tolerance(),
                                          item.largest_magnitude);
      item.required_unit =
          RequiredUnit(definition.required_digits(), assignment().policy().required_digits(),
                       MagnitudeOfDigits(item, problem));
    }
    return absl::OkStatus();
  }

  void AddAliases() {
    // An alias that means several items means none.
    std::unordered_set<std::string> ambiguous;
    const auto add = [&](const std::string& alias, size_t item) {
      const auto [known, is_new] = result_.by_alias_.try_emplace(alias, item);
      if (!is_new && known->second != item) ambiguous.insert(alias);
    };
    for (size_t i = 0; i < addresses_.size(); ++i) {
      if (result_.items_[i].target.has_value()) add(AliasOf(addresses_[i]), i);
    }
    for (const AskedProblem& asked : result_.problems_) {
      for (const auto& [name, target] : asked.symbols) {
        const auto items = asked.items.find({target.update, target.quantity});
        if (items == asked.items.end()) continue;
        for (const size_t i : items->second) {
          if (result_.items_[i].target->element != target.element) continue;
          add(name, i);
          break;
        }
      }
    }
    for (const std::string& alias : ambiguous) result_.by_alias_.erase(alias);
  }

  const Limits& limits_;
  const std::atomic<bool>& cancelled_;
  CompiledAssignment result_;
  std::unordered_map<std::string, int> problems_;  // by name
  std::vector<std::vector<size_t>> items_of_problem_;
  std::vector<Address> addresses_;  // of the items; empty for formulas
  std::vector<Plan> plans_;
};

double AskedProblem::ValueOf(const Formula& formula) const {
  std::vector<double> values;
  for (const Target& variable : formula.variables()) {
    values.push_back(problem->TruthOf(variable)[*variable.element]);
  }
  return formula.Evaluate(values);
}

absl::StatusOr<CompiledAssignment> CompiledAssignment::Compile(const v1::Assignment& assignment,
                                                               const Limits& limits,
                                                               const std::atomic<bool>& cancelled) {
  return AssignmentCompiler(assignment, limits, cancelled).Compile();
}

absl::StatusOr<Formula> CompiledAssignment::ReadFormula(std::string_view text, size_t problem,
                                                        int64_t before) const {
  const AskedProblem& asked = problems_[problem];
  const Plan& plan = asked.problem->plan();
  return Formula::Parse(
      text, {asked.symbols, [&](const Address& address) { return plan.Locate(address); },
             [&](const Target& target) {
               if (IsGiven(plan, target)) return absl::OkStatus();
               const auto found = asked.order.find({target.update, target.quantity});
               if (found != asked.order.end() && found->second < before) return absl::OkStatus();
               return absl::InvalidArgumentError("it does not come earlier than the answer");
             },
             [&](const Target& target) { return plan.ShapeOf(target.quantity).element_count(); }});
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
