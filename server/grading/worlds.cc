#include "server/grading/worlds.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "server/grading/derivations.h"
#include "server/grading/diagnosis.h"
#include "server/grading/rounded_products.h"
#include "server/grading/view.h"

namespace gradus {
namespace {

// What float32 arithmetic is off by, relative to the terms.
constexpr double kMachine = 1e-6;
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
  // A paper as if only some of its roots had been written, kept for what comes later.
  struct Replay {
    std::set<size_t> taken;
    std::set<size_t> left_out;  // wins where neither is full
    bool takes_others;
    std::unique_ptr<View> view;
    size_t done = 0;  // quantities of all updates so far
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

  std::vector<Claim> ClaimsOn(const Quantity& q) const {
    std::vector<Claim> claims;
    const auto found = asked_.items.find({update_, q});
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

  double UnrecordedHalfWidth(double x) const {
    return std::max(paper_.usual_unit / 2, kMachine * std::abs(x));
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
    const std::vector<Claim> claims = ClaimsOn(q);

    Estimated mended = mended_.Compute(q);
    const bool is_tainted = !origins.empty();
    Estimated own = is_tainted ? own_.Compute(q) : mended;

    // The claim that speaks for an element in the worlds: the first that can be read.
    std::vector<const Claim*> speaker(static_cast<size_t>(truth.size()), nullptr);
    std::vector<const Claim*> failing;
    for (const Claim& claim : claims) {
      PaperElement& element = ElementOf(claim);
      const int64_t i = claim.position;
      const double t = truth[i];
      element.mended = mended.numbers[i];
      element.own = own.numbers[i];
      if (!is_certified || !std::isfinite(t)) {
        element.verdict = v1::VERDICT_UNRELIABLE;
        continue;
      }
      if (!element.written.has_value()) {
        if (paper_.items[claim.item].formula_is_right.value_or(false)) {
          element.verdict = v1::VERDICT_CORRECT;
        }
        continue;
      }
      const Claim*& speaks = speaker[static_cast<size_t>(i)];
      if (speaks == nullptr) speaks = &claim;
      const double widening = Widening(claim, products);
      const Interval& window = mended.windows[i];
      if (std::isfinite(window.lo()) && std::isfinite(window.hi())) {
        element.low = window.lo() - widening;
        element.high = window.hi() + widening;
        element.weak = element.high - element.low > ItemOf(claim).largest_magnitude;
      }
      if (const auto& formula = paper_.items[claim.item].formula_is_right; formula.has_value()) {
        element.verdict = *formula ? v1::VERDICT_CORRECT : v1::VERDICT_INCORRECT;
        continue;
      }
      const double x = *element.written;
      if (IsNear(x, t, ItemOf(claim).tolerance) || std::abs(x - t) <= element.half_width ||
          Fits(claim, mended.numbers[i], window, widening)) {
        element.verdict = v1::VERDICT_CORRECT;
      } else if (Differ(own.numbers[i], mended.numbers[i]) &&
                 Fits(claim, own.numbers[i], own.windows[i], widening)) {
        element.verdict = v1::VERDICT_CARRIED;
      } else {
        element.verdict = v1::VERDICT_INCORRECT;
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
    Settle(q, products, speaker, sources, std::move(mended), std::move(own));
  }

  // Puts a quantity into both worlds as the rest of the paper is to read it.
  void Settle(const Quantity& q, int products, const std::vector<const Claim*>& speaker,
              const std::set<size_t>& sources, Estimated mended, Estimated own) {
    bool differ = false;
    for (size_t e = 0; e < speaker.size(); ++e) {
      const auto i = static_cast<int64_t>(e);
      const auto remake = [&](Estimated& world) {
        const double h = speaker[e] != nullptr ? ElementOf(*speaker[e]).half_width
                                               : UnrecordedHalfWidth(world.numbers[i]);
        const double w = (1 + products) * h;
        world.windows[i] = {world.windows[i].lo() - w, world.windows[i].hi() + w};
      };
      if (speaker[e] == nullptr) {
        remake(mended);
        remake(own);
      } else {
        const PaperElement& element = ElementOf(*speaker[e]);
        const double used = std::max(element.half_width, paper_.usual_unit / 2);
        own.numbers[i] = *element.written;
        own.windows[i] = Around(*element.written, used);
        if (element.verdict == v1::VERDICT_CORRECT) {
          mended.numbers[i] = own.numbers[i];
          mended.windows[i] = own.windows[i];
        } else {
          remake(mended);
        }
      }
      differ = differ || Differ(own.numbers[i], mended.numbers[i]);
    }
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
        std::set<size_t> taken;
        std::set<size_t> left_out;
        for (size_t other = 0; other < origins.size(); ++other) {
          ((other == k) != all_but_one ? taken : left_out).insert(origins[other]);
        }
        const std::optional<Estimated> estimated = ReplayUpTo(q, taken, left_out, all_but_one);
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

  // F_q in a world in which only some roots were written; nullopt where too many were asked for.
  std::optional<Estimated> ReplayUpTo(const Quantity& q, const std::set<size_t>& taken,
                                      const std::set<size_t>& left_out, bool takes_others) {
    auto found = std::find_if(replays_.begin(), replays_.end(), [&](const Replay& replay) {
      return replay.taken == taken && replay.left_out == left_out;
    });
    if (found == replays_.end()) {
      if (replays_left_ == 0) return std::nullopt;
      --replays_left_;
      if (replays_.size() == kMostReplaysKept) replays_.erase(replays_.begin());
      replays_.push_back({taken, left_out, takes_others, std::make_unique<View>(problem_)});
      found = std::prev(replays_.end());
    }
    Replay& replay = *found;
    size_t number = 0;
    const int now = update_;
    for (int update = 0; update <= now; ++update) {
      update_ = update;
      for (const Quantity& step : problem_.order(update)) {
        const bool is_last = update == now && step == q;
        if (is_last) break;
        if (number++ < replay.done) continue;
        if (step == problem_.order(update).front()) replay.view->Begin(update);
        ReplayStep(replay, step);
        ++replay.done;
      }
    }
    update_ = now;
    if (q == problem_.order(now).front()) replay.view->Begin(now);
    return replay.view->Compute(q);
  }

  void ReplayStep(Replay& replay, const Quantity& q) {
    Estimated world = replay.view->Compute(q);
    const int products = RoundedProducts(problem_.graph(), problem_.plan().slot_count(), q);
    std::vector<bool> recorded(static_cast<size_t>(world.numbers.size()));
    const auto root = root_of_.find({update_, q});
    for (const Claim& claim : ClaimsOn(q)) {
      const PaperElement& element = ElementOf(claim);
      const int64_t i = claim.position;
      if (!element.written.has_value() || element.verdict == v1::VERDICT_UNRELIABLE ||
          recorded[static_cast<size_t>(i)]) {
        continue;
      }
      recorded[static_cast<size_t>(i)] = true;
      const double widening = Widening(claim, products);
      bool is_taken = element.verdict == v1::VERDICT_CORRECT;
      if (element.verdict == v1::VERDICT_INCORRECT && root != root_of_.end()) {
        is_taken = replay.taken.contains(root->second) ||
                   (replay.takes_others && !replay.left_out.contains(root->second));
      } else if (element.verdict == v1::VERDICT_CARRIED) {
        is_taken = Fits(claim, world.numbers[i], world.windows[i], widening);
      }
      if (is_taken) {
        world.numbers[i] = *element.written;
        world.windows[i] =
            Around(*element.written, std::max(element.half_width, paper_.usual_unit / 2));
      } else {
        world.windows[i] = {world.windows[i].lo() - widening, world.windows[i].hi() + widening};
      }
    }
    for (int64_t i = 0; i < world.numbers.size(); ++i) {
      if (recorded[static_cast<size_t>(i)]) continue;
      const double w = (1 + products) * UnrecordedHalfWidth(world.numbers[i]);
      world.windows[i] = {world.windows[i].lo() - w, world.windows[i].hi() + w};
    }
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
    std::vector<std::unique_ptr<Override<double>>> moved;
    for (const Quantity& d : dependencies) {
      if (!origins_.contains(d)) continue;
      Tensor<double> tensor = world.At(d);
      for (int64_t i = 0; i < tensor.size(); ++i) {
        if (Differ(own_.numbers().At(d)[i], mended_.numbers().At(d)[i])) tensor[i] *= factor;
      }
      taint_scratch_.emplace_back(d, std::move(tensor));
    }
    for (auto& [d, tensor] : taint_scratch_) {
      moved.push_back(std::make_unique<Override<double>>(world, d, std::move(tensor)));
    }
    taint_scratch_.clear();
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
        root.elements.push_back(ElementAddress(root.quantity, shape, position));
      }
    }
    root.is_single = positions.size() == 1;
    if (diagnoses_left_ == 0) return;
    --diagnoses_left_;
    std::vector<Evidence> evidence;
    std::set<int64_t> seen;
    for (const Claim& claim : claims) {
      const PaperElement& element = ElementOf(claim);
      if (!element.written.has_value() || element.verdict == v1::VERDICT_UNRELIABLE ||
          !seen.insert(claim.position).second) {
        continue;
      }
      evidence.push_back({claim.position, *element.written,
                          element.verdict == v1::VERDICT_INCORRECT, Widening(claim, products),
                          ItemOf(claim).tolerance});
    }
    root.mistakes = NameMistakes(problem_, own_, q, own, evidence);
  }

  void JudgeFormulas(const Quantity& q) {
    const auto found = asked_.formula_items.find({update_, q});
    if (found == asked_.formula_items.end()) return;
    for (const size_t i : found->second) JudgeFormulaItem(i);
  }

  // An item whose key is a formula: nothing reads it, so it is compared and that is all.
  void JudgeFormulaItem(size_t i) {
    const CompiledItem& item = assignment_.items()[i];
    PaperItem& answered = paper_.items[i];
    PaperElement& element = answered.elements.front();
    if (!std::isfinite(item.key[0])) {
      element.verdict = v1::VERDICT_UNRELIABLE;
      return;
    }
    const auto [mended, mended_width] = EvaluateIn(mended_, *item.formula);
    const auto [own, own_width] =
        diverged_ ? EvaluateIn(own_, *item.formula) : std::pair(mended, mended_width);
    element.mended = mended;
    element.own = own;
    if (!element.written.has_value()) {
      if (answered.formula_is_right.value_or(false)) element.verdict = v1::VERDICT_CORRECT;
      return;
    }
    // Each quantity that it names is part of a product that may have been rounded.
    constexpr size_t kMostProducts = 8;
    const double products =
        static_cast<double>(std::min(kMostProducts, item.formula->variables().size()));
    const double widening = (1 + products) * element.half_width;
    const double x = *element.written;
    const auto fits = [&](double number, double width) {
      return IsNear(x, number, item.tolerance) || Contains(Around(number, width + widening), x);
    };
    if (std::isfinite(mended_width)) {
      element.low = mended - mended_width - widening;
      element.high = mended + mended_width + widening;
      element.weak = element.high - element.low > item.largest_magnitude;
    }
    if (answered.formula_is_right.has_value()) {
      element.verdict = *answered.formula_is_right ? v1::VERDICT_CORRECT : v1::VERDICT_INCORRECT;
    } else if (IsNear(x, item.key[0], item.tolerance) ||
               std::abs(x - item.key[0]) <= element.half_width || fits(mended, mended_width)) {
      element.verdict = v1::VERDICT_CORRECT;
    } else if (Differ(own, mended) && fits(own, own_width)) {
      element.verdict = v1::VERDICT_CARRIED;
    } else {
      element.verdict = v1::VERDICT_INCORRECT;
    }
    if (element.verdict != v1::VERDICT_INCORRECT) return;
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

  static std::string ElementAddress(const std::string& address, const Shape& shape,
                                    int64_t position) {
    std::vector<int64_t> indices(static_cast<size_t>(shape.rank()));
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      indices[static_cast<size_t>(axis)] = position % shape[axis];
      position /= shape[axis];
    }
    return fmt::format("{}[{}]", address, fmt::join(indices.begin(), indices.end(), ","));
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
  std::vector<std::pair<Quantity, Tensor<double>>> taint_scratch_;
};

}  // namespace

absl::Status JudgeProblem(const CompiledAssignment& assignment, size_t problem,
                          const std::atomic<bool>& cancelled, Paper& paper,
                          std::vector<Root>& roots) {
  return ProblemJudge(assignment, problem, cancelled, paper, roots).Judge();
}

}  // namespace gradus
