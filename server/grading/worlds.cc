#include "server/grading/worlds.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "server/engine/quantity.h"
#include "server/grading/derivations.h"
#include "server/grading/diagnosis.h"
#include "server/grading/digits.h"
#include "server/grading/override.h"
#include "server/grading/rounded_products.h"
#include "server/grading/view.h"
#include "server/kernels/interruption.h"
#include "server/tensor/largest_magnitude.h"

namespace gradus {
namespace {

// Two worlds differ where they differ by more than their rounding.
constexpr double kSame = 1e-13;
constexpr size_t kMostRootsRemembered = 8;
constexpr size_t kMostReplaysKept = 8;
constexpr int kMostDiagnoses = 64;

bool Differ(double a, double b) {
  return !(std::abs(a - b) <= kSame * std::max(std::abs(a), std::abs(b)));
}

Interval Around(double x, double half_width) { return {x - half_width, x + half_width}; }

bool Contains(const Interval& window, double x) {
  return std::isfinite(window.lo()) && std::isfinite(window.hi()) && window.Contains(x);
}

// What stands on the paper for one element of a quantity.
struct Claim {
  size_t item;
  size_t element;    // of the item
  int64_t position;  // in the quantity
};

// A quantity in one of the updates.
using Step = std::pair<int, Quantity>;

class ProblemJudge {
 public:
  ProblemJudge(const CompiledAssignment& assignment, size_t problem,
               const std::atomic<bool>& cancelled, Paper& paper, std::vector<Root>& roots)
      : assignment_(assignment),
        asked_(assignment.problems()[problem]),
        problem_(*asked_.problem),
        cancelled_(cancelled),
        paper_(paper),
        roots_(roots),
        mended_(problem_),
        own_(problem_),
        replays_left_(assignment.replays(problem)) {}

  absl::Status Judge() {
    for (int update = 0; update < problem_.world_count(); ++update) {
      update_ = update;
      Begin();
      for (const Quantity& q : problem_.order(update)) {
        if (cancelled_.load(std::memory_order_relaxed)) {
          return absl::CancelledError("cancelled by the caller");
        }
        JudgeQuantity(q);
        JudgeFormulas(q);
      }
    }
    for (size_t r = first_root_; r < roots_.size(); ++r) {
      roots_[r].is_slip = used_otherwise_.contains(r) && !used_as_written_.contains(r);
    }
    return absl::OkStatus();
  }

 private:
  // A paper as if of its roots only one had been written, or all but that one; kept for what comes
  // later.
  struct Replay {
    size_t root;
    bool is_left_out;
    std::unique_ptr<View> view;
    // What comes next.
    int update = 0;
    size_t place = 0;  // in its order

    bool Takes(size_t other) const { return (other == root) != is_left_out; }
  };

  // What an answer is held against.
  struct Reference {
    double truth;
    bool is_certified;
    double mended;
    Interval mended_window;
    double own;
    Interval own_window;
    int products;
  };

  void Begin() {
    mended_.Begin(update_);
    if (diverged_) own_.Begin(update_);
    // Parameters and state were made by the update before.
    std::map<Quantity, std::vector<size_t>> origins;
    for (const auto& [q, roots] : origins_) {
      if (q.kind == QuantityKind::kNext) origins[{QuantityKind::kValue, q.value}] = roots;
      if (q.kind == QuantityKind::kState) old_state_origins_[q.value] = roots;
    }
    origins_ = std::move(origins);
    scratch_truth_.reset();
  }

  std::vector<Claim> ClaimsOn(const Quantity& q, int update) const {
    std::vector<Claim> claims;
    const auto found = asked_.items.find({update, q});
    if (found == asked_.items.end()) return claims;
    for (const size_t i : found->second) {
      const CompiledItem& item = assignment_.items()[i];
      for (size_t e = 0; e < paper_.items[i].elements.size(); ++e) {
        claims.push_back({i, e, item.target->element.value_or(static_cast<int64_t>(e))});
      }
    }
    return claims;
  }

  PaperElement& ElementOf(const Claim& claim) {
    return paper_.items[claim.item].elements[claim.element];
  }
  const CompiledItem& ItemOf(const Claim& claim) const { return assignment_.items()[claim.item]; }

  static bool IsRecorded(const PaperElement& element) {
    return element.written.has_value() && element.verdict != v1::VERDICT_UNRELIABLE;
  }

  // The claims that speak for each of so many elements in the worlds: the first that was recorded.
  std::vector<const Claim*> SpeakersOf(const std::vector<Claim>& claims, int64_t count) {
    std::vector<const Claim*> speakers(static_cast<size_t>(count), nullptr);
    for (const Claim& claim : claims) {
      const Claim*& speaker = speakers[static_cast<size_t>(claim.position)];
      if (speaker == nullptr && IsRecorded(ElementOf(claim))) speaker = &claim;
    }
    return speakers;
  }

  // Puts what was written into a world, with what it may have been when it was used.
  void Keep(const Claim& claim, Estimated& world) {
    const PaperElement& element = ElementOf(claim);
    world.numbers[claim.position] = *element.written;
    world.windows[claim.position] =
        Around(*element.written, std::max(element.half_width, paper_.usual_half_width));
  }

  // Lets what was computed be rounded.
  static void Round(int64_t i, double half_width, int products, Estimated& world) {
    const double w = (1 + products) * std::max(half_width, kMachine * std::abs(world.numbers[i]));
    world.windows[i] = {world.windows[i].lo() - w, world.windows[i].hi() + w};
  }

  // Whether an answer is what was computed, within tolerance or window.
  bool Fits(const Claim& claim, double number, const Interval& window, double widening) {
    const double x = *ElementOf(claim).written;
    return IsNear(x, number, ItemOf(claim).tolerance) ||
           Contains({window.lo() - widening, window.hi() + widening}, x);
  }

  double Widening(const Claim& claim, int products) {
    return (1 + products) * ElementOf(claim).half_width;
  }

  // The roots that what a quantity reads in the own world comes from, the latest ones.
  std::vector<size_t> OriginsOf(const std::vector<Quantity>& dependencies,
                                const Quantity& q) const {
    std::set<size_t> all;
    for (const Quantity& d : dependencies) {
      if (const auto found = origins_.find(d); found != origins_.end()) {
        all.insert(found->second.begin(), found->second.end());
      }
    }
    if (q.kind == QuantityKind::kState || q.kind == QuantityKind::kNext) {
      if (const auto found = old_state_origins_.find(q.value); found != old_state_origins_.end()) {
        all.insert(found->second.begin(), found->second.end());
      }
    }
    return Latest(all);
  }

  static std::vector<size_t> Latest(const std::set<size_t>& roots) {
    std::vector<size_t> latest(roots.begin(), roots.end());
    if (latest.size() > kMostRootsRemembered) {
      latest.erase(latest.begin(), latest.end() - kMostRootsRemembered);
    }
    return latest;
  }

  void JudgeQuantity(const Quantity& q) {
    const Tensor<double>& truth = problem_.TruthOf({q, update_, std::nullopt});
    const bool is_certified = problem_.IsCertified(q, update_);
    const int products = RoundedProducts(problem_.graph(), problem_.plan().slot_count(), q);
    std::vector<Quantity> dependencies = problem_.DependenciesOf(q);
    // What it was worked out from may also stand beside it.
    for (const Quantity& other : OtherDependencies(problem_, q)) dependencies.push_back(other);
    const std::vector<size_t> origins = OriginsOf(dependencies, q);
    const std::vector<Claim> claims = ClaimsOn(q, update_);

    Estimated mended = mended_.Compute(q);
    const bool is_tainted = !origins.empty();
    Estimated own = is_tainted ? own_.Compute(q) : mended;

    std::vector<const Claim*> failing;
    for (const Claim& claim : claims) {
      const int64_t i = claim.position;
      Compare(claim, {truth[i], is_certified, mended.numbers[i], mended.windows[i], own.numbers[i],
                      own.windows[i], products});
      const bool is_formula = paper_.items[claim.item].formula_is_right.has_value();
      if (ElementOf(claim).verdict == v1::VERDICT_INCORRECT && !is_formula) {
        failing.push_back(&claim);
      }
    }
    if (!failing.empty()) Retry(q, products, origins, failing);
    if (is_tainted) {
      NoteUse(claims, origins, mended, own);
      MarkHollow(q, dependencies, claims);
    }

    std::vector<const Claim*> wrong;
    for (const Claim& claim : claims) {
      if (ElementOf(claim).verdict == v1::VERDICT_INCORRECT) wrong.push_back(&claim);
    }
    std::set<size_t> sources(origins.begin(), origins.end());
    if (!wrong.empty()) {
      if (!diverged_) {
        own_.CopyFrom(mended_);
        diverged_ = true;
      }
      sources.insert(roots_.size());
      AddRoot(q, products, own, claims, wrong);
    }
    Settle(q, products, SpeakersOf(claims, truth.size()), sources, std::move(mended),
           std::move(own));
  }

  // Judges one answer, and notes what it was held against.
  void Compare(const Claim& claim, const Reference& reference) {
    PaperElement& element = ElementOf(claim);
    const std::optional<bool>& formula = paper_.items[claim.item].formula_is_right;
    element.mended = reference.mended;
    element.own = reference.own;
    if (!reference.is_certified || !std::isfinite(reference.truth)) {
      element.verdict = v1::VERDICT_UNRELIABLE;
      return;
    }
    if (!element.written.has_value()) {
      if (formula.has_value()) {
        element.verdict = *formula ? v1::VERDICT_CORRECT : v1::VERDICT_INCORRECT;
      }
      return;
    }
    const double widening = Widening(claim, reference.products);
    const Interval& window = reference.mended_window;
    if (std::isfinite(window.lo()) && std::isfinite(window.hi())) {
      element.low = window.lo() - widening;
      element.high = window.hi() + widening;
      element.weak = element.high - element.low > ItemOf(claim).largest_magnitude;
    }
    const double x = *element.written;
    if (formula.has_value()) {
      element.verdict = *formula ? v1::VERDICT_CORRECT : v1::VERDICT_INCORRECT;
    } else if (IsNear(x, reference.truth, ItemOf(claim).tolerance) ||
               std::abs(x - reference.truth) <= element.half_width ||
               Fits(claim, reference.mended, window, widening)) {
      element.verdict = v1::VERDICT_CORRECT;
    } else if (Differ(reference.own, reference.mended) &&
               Fits(claim, reference.own, reference.own_window, widening)) {
      element.verdict = v1::VERDICT_CARRIED;
    } else {
      element.verdict = v1::VERDICT_INCORRECT;
    }
  }

  // How far a number of a quantity may be off that is not handed in: rounded like the rest of the
  // paper, or if that has no one unit, as coarsely as the assignment allows.
  double UnseenHalfWidth(const Quantity& q, int update) const {
    if (!paper_.has_mixed_units) return paper_.usual_half_width;
    const Tensor<double>& truth = problem_.TruthOf({q, update, std::nullopt});
    const v1::Policy& policy = assignment_.policy();
    return HalfWidth(RequiredUnit({}, policy.required_digits(), LargestMagnitude(truth)), 0,
                     policy.allow_truncation());
  }

  // Puts a quantity into both worlds as the rest of the paper is to read it.
  void Settle(const Quantity& q, int products, const std::vector<const Claim*>& speakers,
              const std::set<size_t>& sources, Estimated mended, Estimated own) {
    const double unseen = UnseenHalfWidth(q, update_);
    bool differ = false;
    ForEachIndex(mended.numbers.size(), [&](int64_t i) {
      const Claim* const speaker = speakers[static_cast<size_t>(i)];
      if (speaker != nullptr) {
        Keep(*speaker, own);
      } else {
        Round(i, unseen, products, own);
      }
      if (speaker != nullptr && ElementOf(*speaker).verdict == v1::VERDICT_CORRECT) {
        Keep(*speaker, mended);
      } else {
        Round(i, speaker != nullptr ? ElementOf(*speaker).half_width : unseen, products, mended);
      }
      differ = differ || Differ(own.numbers[i], mended.numbers[i]);
    });
    if (diverged_) own_.Set(q, std::move(own));
    mended_.Set(q, std::move(mended));
    if (differ) origins_[q] = Latest(sources);
  }

  // Looks for another explanation than a mistake for answers that fit neither world.
  void Retry(const Quantity& q, int products, const std::vector<size_t>& origins,
             std::vector<const Claim*>& failing) {
    const std::vector<Estimated> by_mended = OtherDerivations(problem_, mended_, q);
    const std::vector<Estimated> by_own =
        origins.empty() ? by_mended : OtherDerivations(problem_, own_, q);
    const auto settle = [&](auto verdict_of) {
      std::erase_if(failing, [&](const Claim* claim) {
        const std::optional<v1::Verdict> verdict = verdict_of(*claim);
        if (verdict.has_value()) ElementOf(*claim).verdict = *verdict;
        return verdict.has_value();
      });
    };
    for (size_t d = 0; d < by_mended.size(); ++d) {
      settle([&](const Claim& claim) -> std::optional<v1::Verdict> {
        const int64_t i = claim.position;
        const double widening = Widening(claim, products);
        if (Fits(claim, by_mended[d].numbers[i], by_mended[d].windows[i], widening)) {
          return v1::VERDICT_CORRECT;
        }
        if (!origins.empty() && Differ(by_own[d].numbers[i], by_mended[d].numbers[i]) &&
            Fits(claim, by_own[d].numbers[i], by_own[d].windows[i], widening)) {
          return v1::VERDICT_CARRIED;
        }
        return std::nullopt;
      });
    }
    if (origins.size() < 2) return;
    // A slip of the pen is not always used: one root only, then all but one.
    for (const bool all_but_one : {false, true}) {
      if (all_but_one && origins.size() == 2) break;
      for (size_t k = origins.size(); k-- > 0 && !failing.empty();) {
        const std::optional<Estimated> estimated = ReplayUpTo(q, origins[k], all_but_one);
        if (!estimated.has_value()) return;
        settle([&](const Claim& claim) -> std::optional<v1::Verdict> {
          const int64_t i = claim.position;
          if (!Fits(claim, estimated->numbers[i], estimated->windows[i],
                    Widening(claim, products))) {
            return std::nullopt;
          }
          return v1::VERDICT_CARRIED;
        });
      }
    }
  }

  // F_q in a world in which of all roots only one was written, or all but that one; nullopt where
  // too many were asked for, or if interrupted.
  std::optional<Estimated> ReplayUpTo(const Quantity& q, size_t root, bool is_left_out) {
    auto found = std::find_if(replays_.begin(), replays_.end(), [&](const Replay& replay) {
      return replay.root == root && replay.is_left_out == is_left_out;
    });
    if (found == replays_.end()) {
      if (replays_left_ == 0) return std::nullopt;
      --replays_left_;
      if (replays_.size() == kMostReplaysKept) replays_.erase(replays_.begin());
      replays_.push_back({root, is_left_out, std::make_unique<View>(problem_)});
      found = std::prev(replays_.end());
      found->view->Begin(0);
    }
    Replay& replay = *found;
    while (!Interrupted(1)) {
      const std::span<const Quantity> order = problem_.order(replay.update);
      if (replay.place == order.size()) {
        replay.view->Begin(++replay.update);
        replay.place = 0;
        continue;
      }
      if (replay.update == update_ && order[replay.place] == q) return replay.view->Compute(q);
      ReplayStep(replay, order[replay.place++]);
    }
    return std::nullopt;
  }

  void ReplayStep(Replay& replay, const Quantity& q) {
    Estimated world = replay.view->Compute(q);
    const int products = RoundedProducts(problem_.graph(), problem_.plan().slot_count(), q);
    const auto root = root_of_.find({replay.update, q});
    const std::vector<Claim> claims = ClaimsOn(q, replay.update);
    const std::vector<const Claim*> speakers = SpeakersOf(claims, world.numbers.size());
    const auto is_taken = [&](const Claim& claim) {
      switch (ElementOf(claim).verdict) {
        case v1::VERDICT_CORRECT:
          return true;
        case v1::VERDICT_INCORRECT:
          return root != root_of_.end() && replay.Takes(root->second);
        default:
          return Fits(claim, world.numbers[claim.position], world.windows[claim.position],
                      Widening(claim, products));
      }
    };
    const double unseen = UnseenHalfWidth(q, replay.update);
    ForEachIndex(world.numbers.size(), [&](int64_t i) {
      const Claim* const speaker = speakers[static_cast<size_t>(i)];
      if (speaker != nullptr && is_taken(*speaker)) {
        Keep(*speaker, world);
      } else {
        Round(i, speaker != nullptr ? ElementOf(*speaker).half_width : unseen, products, world);
      }
    });
    replay.view->Set(q, std::move(world));
  }

  // Whether what was written wrongly was used as written, where it can be seen.
  void NoteUse(const std::vector<Claim>& claims, const std::vector<size_t>& origins,
               const Estimated& mended, const Estimated& own) {
    for (const Claim& claim : claims) {
      const PaperElement& element = ElementOf(claim);
      const int64_t i = claim.position;
      if (element.verdict == v1::VERDICT_CARRIED) {
        used_as_written_.insert(origins.begin(), origins.end());
      } else if (element.verdict == v1::VERDICT_CORRECT &&
                 !(std::abs(own.numbers[i] - mended.numbers[i]) <= element.high - element.low)) {
        used_otherwise_.insert(origins.begin(), origins.end());
      }
    }
  }

  // Denies credit where the own world hides what the answer should depend on.
  void MarkHollow(const Quantity& q, const std::vector<Quantity>& dependencies,
                  const std::vector<Claim>& claims) {
    std::vector<const Claim*> carried;
    for (const Claim& claim : claims) {
      if (ElementOf(claim).verdict == v1::VERDICT_CARRIED) carried.push_back(&claim);
    }
    if (carried.empty()) return;
    if (scratch_truth_ == nullptr) {
      scratch_truth_ =
          std::make_unique<World<double>>(problem_.graph(), problem_.plan().slot_count());
      scratch_truth_->CopyFrom(problem_.truth(update_));
    }
    for (const double factor : {0.0, 1.25}) {
      if (IsMoved(q, dependencies, carried, factor, own_.numbers())) continue;
      if (!IsMoved(q, dependencies, carried, factor, *scratch_truth_)) continue;
      for (const Claim* claim : carried) ElementOf(*claim).hollow = true;
      return;
    }
  }

  // Whether any of the answers moves visibly when what is wrong before it does.
  bool IsMoved(const Quantity& q, const std::vector<Quantity>& dependencies,
               const std::vector<const Claim*>& carried, double factor, World<double>& world) {
    const Tensor<double> before = problem_.Compute(world, q, update_);
    std::vector<std::pair<Quantity, Tensor<double>>> tainted;
    for (const Quantity& d : dependencies) {
      if (!origins_.contains(d)) continue;
      Tensor<double> tensor = world.At(d);
      for (int64_t i = 0; i < tensor.size(); ++i) {
        if (Differ(own_.numbers().At(d)[i], mended_.numbers().At(d)[i])) tensor[i] *= factor;
      }
      tainted.emplace_back(d, std::move(tensor));
    }
    std::vector<std::unique_ptr<Override<double>>> moved;
    for (auto& [d, tensor] : tainted) {
      moved.push_back(std::make_unique<Override<double>>(world, d, std::move(tensor)));
    }
    const Tensor<double> after = problem_.Compute(world, q, update_);
    while (!moved.empty()) moved.pop_back();
    return std::any_of(carried.begin(), carried.end(), [&](const Claim* claim) {
      const double visible =
          std::max(ElementOf(*claim).half_width, kMachine * ItemOf(*claim).largest_magnitude);
      return !(std::abs(after[claim->position] - before[claim->position]) <= visible);
    });
  }

  void AddRoot(const Quantity& q, int products, const Estimated& own,
               const std::vector<Claim>& claims, const std::vector<const Claim*>& wrong) {
    root_of_[{update_, q}] = roots_.size();
    Root& root = roots_.emplace_back();
    root.quantity = problem_.plan().AddressOf(q, update_);
    root.order = asked_.order.at({update_, q});
    const Shape& shape = problem_.plan().ShapeOf(q);
    std::set<size_t> items;
    std::set<int64_t> positions;
    for (const Claim* claim : wrong) {
      items.insert(claim->item);
      positions.insert(claim->position);
      root.wrong.emplace_back(claim->item, claim->element);
    }
    root.items.assign(items.begin(), items.end());
    if (shape.element_count() > 1) {
      for (const int64_t position : positions) {
        root.elements.push_back(FormatElement(root.quantity, shape, position));
      }
    }
    if (diagnoses_left_ == 0) return;
    --diagnoses_left_;
    root.is_single = positions.size() == 1 && IsRecorded(ElementOf(*wrong.front()));
    std::vector<Evidence> evidence;
    std::set<int64_t> seen;
    for (const Claim& claim : claims) {
      const PaperElement& element = ElementOf(claim);
      if (!IsRecorded(element) || !seen.insert(claim.position).second) continue;
      evidence.push_back({claim.position, *element.written,
                          element.verdict == v1::VERDICT_INCORRECT, Widening(claim, products),
                          ItemOf(claim).tolerance});
    }
    root.diagnosis = NameMistakes(problem_, own_, q, own, evidence);
  }

  void JudgeFormulas(const Quantity& q) {
    const auto found = asked_.formula_items.find({update_, q});
    if (found == asked_.formula_items.end()) return;
    for (const size_t i : found->second) JudgeFormulaItem(i);
  }

  // An item whose key is a formula: nothing reads it, so it is compared and that is all.
  void JudgeFormulaItem(size_t i) {
    const CompiledItem& item = assignment_.items()[i];
    const auto [mended, mended_width] = EvaluateIn(mended_, *item.formula);
    const auto [own, own_width] =
        diverged_ ? EvaluateIn(own_, *item.formula) : std::pair(mended, mended_width);
    // Each quantity that it names is part of a product that may have been rounded.
    constexpr size_t kMostProducts = 8;
    const auto products =
        static_cast<int>(std::min(kMostProducts, item.formula->variables().size()));
    const Claim claim = {.item = i, .element = 0, .position = 0};
    Compare(claim, {item.key[0], true, mended, Around(mended, mended_width), own,
                    Around(own, own_width), products});
    if (ElementOf(claim).verdict != v1::VERDICT_INCORRECT) return;
    Root& root = roots_.emplace_back();
    root.items = {i};
    root.order = item.order;
    root.wrong = {{i, 0}};
  }

  // A formula in a world, and how far its value may be off.
  std::pair<double, double> EvaluateIn(View& view, const Formula& formula) {
    std::vector<double> values;
    std::vector<double> widths;
    for (const Target& variable : formula.variables()) {
      // An earlier update is not held any more; its truth is near enough for what no student
      // answers with one formula.
      const bool is_here = variable.update == update_;
      const double x = is_here ? view.numbers().At(variable.quantity)[*variable.element]
                               : problem_.TruthOf(variable)[*variable.element];
      values.push_back(x);
      if (!is_here) {
        widths.push_back(0);
        continue;
      }
      const Interval& window = view.windows().At(variable.quantity)[*variable.element];
      widths.push_back(std::max(window.hi() - x, x - window.lo()));
    }
    return {formula.Evaluate(values), formula.HalfWidth(values, widths)};
  }

  const CompiledAssignment& assignment_;
  const AskedProblem& asked_;
  const CompiledProblem& problem_;
  const std::atomic<bool>& cancelled_;
  Paper& paper_;
  std::vector<Root>& roots_;
  const size_t first_root_ = roots_.size();
  int update_ = 0;
  View mended_;
  View own_;  // the same as mended_, and not kept, until something is wrong
  bool diverged_ = false;
  // The roots that the difference between both worlds comes from, where there is one.
  std::map<Quantity, std::vector<size_t>> origins_;
  std::map<ValueId, std::vector<size_t>> old_state_origins_;
  std::map<Step, size_t> root_of_;
  std::set<size_t> used_as_written_;
  std::set<size_t> used_otherwise_;
  std::vector<Replay> replays_;
  int replays_left_;
  int diagnoses_left_ = kMostDiagnoses;
  std::unique_ptr<World<double>> scratch_truth_;
};

}  // namespace

absl::Status JudgeProblem(const CompiledAssignment& assignment, size_t problem,
                          const std::atomic<bool>& cancelled, Paper& paper,
                          std::vector<Root>& roots) {
  return ProblemJudge(assignment, problem, cancelled, paper, roots).Judge();
}

}  // namespace gradus
