#include "server/grading/lint.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/checking/tolerance.h"
#include "server/grading/assignment.h"
#include "server/grading/digits.h"
#include "server/grading/grader.h"
#include "server/grading/written_number.h"
#include "server/grading/wrong_answers.h"
#include "server/kernels/interruption.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

constexpr int64_t kMaxNumbers = 100'000;
// How many digits more than required are tried, to say how many would do.
constexpr int kMostExtraDigits = 3;
// A wrong paper that earns this share of the points for following from an error passes.
constexpr double kPassingShare = 0.5;
// More decimals than an assignment can ask for are told as significant digits.
constexpr int kMostDecimals = 17;

// What grading a paper costs beside computing it: what is read and reported of each item and
// number. Somewhat more than measured.
constexpr double kFlopsPerItem = 500;
constexpr double kFlopsPerNumber = 300;

using Numbers = std::map<size_t, Tensor<double>>;  // by item

// A paper with these numbers for these items, wrong in one way, and right in the others.
struct Trial {
  std::string_view code;
  const WrongPaper* paper = nullptr;  // unless it is a known mistake in one item
  Numbers numbers = {};

  std::string Name() const {
    return paper != nullptr ? std::string(paper->name) : fmt::format("the mistake {}", code);
  }
};

std::string Capitalized(std::string text) {
  if (text.front() >= 'a' && text.front() <= 'z') text.front() += 'A' - 'a';
  return text;
}

bool IsFinite(const Tensor<double>& tensor) {
  return std::all_of(tensor.values().begin(), tensor.values().end(),
                     [](double x) { return std::isfinite(x); });
}

// The verdict on an element of an item.
v1::Verdict VerdictOf(const v1::ItemReport& report, size_t element) {
  return report.elements().empty() ? report.verdict() : report.elements(static_cast<int>(element));
}

// Why a wrong answer earned points. All false: it did not.
struct Acceptance {
  bool by_window = false;         // a wrong number, within what rounding may make of the key
  bool by_tolerance = false;      // a wrong number, within the tolerance around the key
  bool by_equal_numbers = false;  // it took no work, and some numbers are the key's

  bool any() const { return by_window || by_tolerance || by_equal_numbers; }
  void Add(const Acceptance& other) {
    by_window = by_window || other.by_window;
    by_tolerance = by_tolerance || other.by_tolerance;
    by_equal_numbers = by_equal_numbers || other.by_equal_numbers;
  }
};

// What was found out about an item.
struct ItemFindings {
  bool is_unreliable = false;
  bool is_accused = false;  // of the key itself
  bool is_weak = false;
  const WrongPaper* hidden = nullptr;  // what takes no work and is written like the key
  std::set<std::string_view> tried;
  std::set<size_t> accepted;  // by index, which is the order of their codes
  Acceptance acceptance;
  double credit = 0;
  // How many digits more than required would do, and whether the tolerance is too wide even then.
  std::optional<int> enough;
  bool is_tolerant = false;
};

class Linter {
 public:
  Linter(const v1::Assignment& definition, const CompiledAssignment& assignment,
         const Limits& limits, const std::atomic<bool>& cancelled)
      : definition_(definition),
        assignment_(assignment),
        cancelled_(cancelled),
        findings_(assignment.items().size()),
        flops_left_(limits.max_flops) {
    double numbers = 0;
    for (const CompiledItem& item : items()) numbers += static_cast<double>(item.key.size());
    paper_flops_ = kFlopsPerItem * static_cast<double>(items().size()) + kFlopsPerNumber * numbers;
    for (size_t p = 0; p < assignment.problems().size(); ++p) {
      const double flops = kFlopsPerGradedFlop * assignment.problems()[p].problem->plan().Flops();
      paper_flops_ += flops;
      replay_flops_ += flops * assignment.replays(p);
    }
  }

  absl::Status Lint(v1::LintAssignmentResponse* response) {
    const InterruptionScope scope(cancelled_);
    if (absl::Status s = TryRightPapers(); !s.ok()) return s;
    if (absl::Status s = MakeTrials(); !s.ok()) return s;
    if (absl::Status s = TryWrongPapers(); !s.ok()) return s;
    for (int extra = 1; extra <= kMostExtraDigits; ++extra) {
      if (absl::Status s = TryMoreDigits(extra); !s.ok()) return s;
    }
    if (absl::Status s = CheckCancelled(); !s.ok()) return s;
    Report(response);
    return absl::OkStatus();
  }

 private:
  std::span<const CompiledItem> items() const { return assignment_.items(); }

  // The texts of numbers for an item, rounded to so many digits more than required.
  std::vector<std::string> TextsOf(size_t item, const Tensor<double>& numbers, int extra) const {
    std::vector<std::string> texts;
    for (const double x : numbers.values()) texts.push_back(RoundedText(x, UnitOf(item, extra)));
    return texts;
  }

  double UnitOf(size_t item, int extra) const {
    const double unit = items()[item].required_unit;
    return unit > 0 && extra > 0 ? PlaceValue(ExponentOf(unit) - extra) : unit;
  }

  void AddAnswer(size_t item, const Tensor<double>& numbers, int extra,
                 v1::Submission* submission) const {
    if (!IsFinite(numbers)) return;  // the key of an unreliable item
    v1::Answer* answer = submission->add_answers();
    answer->set_item(items()[item].id);
    for (std::string& text : TextsOf(item, numbers, extra)) {
      answer->mutable_text()->add_values(std::move(text));
    }
  }

  v1::Submission Alone(size_t item, const Tensor<double>& numbers, int extra) const {
    v1::Submission submission;
    AddAnswer(item, numbers, extra, &submission);
    return submission;
  }

  v1::Submission Whole(const Numbers& wrong, int extra) const {
    v1::Submission submission;
    for (size_t i = 0; i < items().size(); ++i) {
      const auto found = wrong.find(i);
      AddAnswer(i, found == wrong.end() ? items()[i].key : found->second, extra, &submission);
    }
    return submission;
  }

  absl::Status CheckCancelled() const {
    return cancelled_.load(std::memory_order_relaxed)
               ? absl::CancelledError("cancelled by the caller")
               : absl::OkStatus();
  }

  // False if it would take too long.
  bool Spend(double flops) {
    if (flops > flops_left_) {
      is_exhausted_ = true;
      return false;
    }
    flops_left_ -= flops;
    return true;
  }

  // Grades a paper with errors in so many items, and calls `see` with the report unless it would
  // take too long. `make_submission` is called only then.
  template <class Make, class See>
  absl::Status Grade(size_t wrong_count, Make make_submission, See see) {
    if (absl::Status s = CheckCancelled(); !s.ok()) return s;
    // The grader looks for slips of the pen only among several errors.
    if (!Spend(paper_flops_ + (wrong_count > 1 ? replay_flops_ : 0))) return absl::OkStatus();
    const absl::StatusOr<v1::GradeReport> report =
        GradeSubmission(assignment_, make_submission(), cancelled_);
    if (report.ok()) see(*report);
    return report.status();
  }

  // Calls `see(item, its report)` for the right paper, whole, and for each of the items alone.
  template <class See>
  absl::Status GradeRightPapers(const std::vector<size_t>& of_items, int extra, See see) {
    if (of_items.empty()) return absl::OkStatus();
    absl::Status status = Grade(
        0, [&] { return Whole({}, extra); },
        [&](const v1::GradeReport& report) {
          for (const size_t i : of_items) see(i, report.items(static_cast<int>(i)));
        });
    for (auto i = of_items.begin(); status.ok() && i != of_items.end(); ++i) {
      status = Grade(
          0, [&] { return Alone(*i, items()[*i].key, extra); },
          [&](const v1::GradeReport& report) { see(*i, report.items(static_cast<int>(*i))); });
    }
    return status;
  }

  absl::Status TryRightPapers() {
    std::vector<size_t> all;
    for (size_t i = 0; i < items().size(); ++i) all.push_back(i);
    return GradeRightPapers(all, 0, [this](size_t i, const v1::ItemReport& report) {
      ItemFindings& findings = findings_[i];
      if (report.verdict() == v1::VERDICT_UNRELIABLE) {
        findings.is_unreliable = true;
      } else if (report.verdict() != v1::VERDICT_CORRECT) {
        findings.is_accused = true;
      }
      findings.is_weak = findings.is_weak || IsWeak(i, report);
    });
  }

  // Next to a key that is 0, no window is narrow.
  bool IsWeak(size_t i, const v1::ItemReport& report) const {
    return report.weak() && items()[i].largest_magnitude > 0;
  }

  bool IsTried(size_t i) const { return items()[i].points > 0 && !findings_[i].is_unreliable; }

  // Whether any of the numbers is not the key when it is written down.
  bool IsWrong(size_t i, const Tensor<double>& numbers, int extra) const {
    return TextsOf(i, numbers, extra) != TextsOf(i, items()[i].key, extra);
  }

  // The items that a trial is wrong in.
  std::vector<size_t> WrongItems(const Trial& trial, int extra) const {
    std::vector<size_t> wrong;
    for (const auto& [i, numbers] : trial.numbers) {
      if (IsWrong(i, numbers, extra)) wrong.push_back(i);
    }
    return wrong;
  }

  // Whether the rounded key reads like a wrong paper that tells nothing, though it is another.
  bool HidesKey(const WrongPaper& paper, size_t i, const Tensor<double>& numbers, int extra) const {
    return paper.may_hide_key && numbers.values() != items()[i].key.values() &&
           !IsWrong(i, numbers, extra);
  }

  absl::Status MakeTrials() {
    for (const WrongPaper& paper : WrongPapers()) {
      Trial& trial = trials_.emplace_back(Trial{paper.code, &paper});
      for (size_t i = 0; i < items().size(); ++i) {
        if (absl::Status s = CheckCancelled(); !s.ok()) return s;
        if (!IsTried(i)) continue;
        std::optional<Tensor<double>> numbers = paper.answer(assignment_, i);
        if (!numbers.has_value() || !IsFinite(*numbers)) continue;
        if (HidesKey(paper, i, *numbers, 0)) findings_[i].hidden = &paper;
        trial.numbers.emplace(i, *std::move(numbers));
      }
    }
    std::vector<std::vector<Trial>> by_item(items().size());
    for (const AskedProblem& asked : assignment_.problems()) {
      if (absl::Status s = AddKnownMistakes(asked, by_item); !s.ok()) return s;
    }
    for (std::vector<Trial>& trials : by_item) {
      for (Trial& trial : trials) trials_.push_back(std::move(trial));
    }
    return absl::OkStatus();
  }

  absl::Status AddKnownMistakes(const AskedProblem& asked,
                                std::vector<std::vector<Trial>>& by_item) {
    const CompiledProblem& problem = *asked.problem;
    World<double> truth(problem.graph(), problem.plan().slot_count());
    int update_of_truth = -1;
    for (const auto& [step, items_of_step] : asked.items) {
      const auto& [update, q] = step;
      if (absl::Status s = CheckCancelled(); !s.ok()) return s;
      if (!Spend(kFlopsPerGradedFlop * problem.plan().Flops())) return absl::OkStatus();
      if (update != update_of_truth) truth.CopyFrom(problem.truth(update));
      update_of_truth = update;
      ForEachKnownMistake(problem, q, update, truth,
                          [&, &items_of_step = items_of_step](std::string_view code,
                                                              const Tensor<double>& reading) {
                            for (const size_t i : items_of_step) {
                              Tensor<double> numbers = AskedOf(items()[i], reading);
                              if (!IsTried(i) || !IsFinite(numbers)) continue;
                              by_item[i].push_back({code});
                              by_item[i].back().numbers.emplace(i, std::move(numbers));
                            }
                          });
    }
    return absl::OkStatus();
  }

  absl::Status TryWrongPapers() {
    for (size_t t = 0; t < trials_.size(); ++t) {
      for (const size_t i : WrongItems(trials_[t], 0)) {
        absl::Status status =
            TryAlone(t, i, 0, [&](const v1::ItemReport& report) { NoteOutcome(t, i, report); });
        if (!status.ok()) return status;
      }
    }
    // Last, as whole papers of errors cost most.
    for (size_t t = trials_.size(); t-- > 0;) {
      const std::vector<size_t> wrong = WrongItems(trials_[t], 0);
      absl::Status status = TryWhole(t, wrong, 0, [&](const v1::GradeReport& report) {
        for (const size_t i : wrong) NoteOutcome(t, i, report.items(static_cast<int>(i)));
        NotePassing(t, wrong, report);
      });
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // Calls `see` with the report on item `i` of trial `t`, handed in alone.
  template <class See>
  absl::Status TryAlone(size_t t, size_t i, int extra, See see) {
    return Grade(
        1, [&] { return Alone(i, trials_[t].numbers.at(i), extra); },
        [&](const v1::GradeReport& report) { see(report.items(static_cast<int>(i))); });
  }

  // Calls `see` with the report on trial `t` as a whole paper, if that is wrong anywhere.
  template <class See>
  absl::Status TryWhole(size_t t, const std::vector<size_t>& wrong, int extra, See see) {
    if (wrong.empty()) return absl::OkStatus();
    return Grade(
        wrong.size(), [&] { return Whole(trials_[t].numbers, extra); }, see);
  }

  // Why an item of a paper earned points.
  Acceptance AcceptanceOf(size_t t, size_t i, int extra, const v1::ItemReport& report) const {
    Acceptance acceptance;
    if (report.earned_points() <= 0) return acceptance;
    const CompiledItem& item = items()[i];
    const std::vector<std::string> written = TextsOf(i, trials_[t].numbers.at(i), extra);
    const std::vector<std::string> key = TextsOf(i, item.key, extra);
    const WrongPaper* paper = trials_[t].paper;
    for (size_t e = 0; e < key.size(); ++e) {
      if (VerdictOf(report, e) != v1::VERDICT_CORRECT) continue;
      if (written[e] == key[e]) {
        acceptance.by_equal_numbers = paper != nullptr && paper->takes_no_work;
        continue;
      }
      const double x = ReadNumber(written[e], false).number->value;
      const auto element = static_cast<int>(e);
      const bool is_near = IsNear(x, item.key[element], item.tolerance);
      const bool is_in_window =
          report.window_low().values(element) <= x && x <= report.window_high().values(element);
      acceptance.by_tolerance = acceptance.by_tolerance || is_near;
      acceptance.by_window = acceptance.by_window || is_in_window || !is_near;
    }
    return acceptance;
  }

  void NoteOutcome(size_t t, size_t i, const v1::ItemReport& report) {
    ItemFindings& findings = findings_[i];
    findings.tried.insert(trials_[t].code);
    const Acceptance acceptance = AcceptanceOf(t, i, 0, report);
    if (!acceptance.any()) return;
    findings.accepted.insert(t);
    findings.acceptance.Add(acceptance);
    findings.credit = std::max(findings.credit, report.earned_points() / report.possible_points());
  }

  // Notes a whole paper of errors that earns points for what follows from them, or repeats them.
  void NotePassing(size_t t, const std::vector<size_t>& wrong, const v1::GradeReport& report) {
    if (wrong.size() < 2) return;
    double earned = 0;
    double possible = 0;
    for (const size_t i : wrong) {
      const v1::ItemReport& item = report.items(static_cast<int>(i));
      possible += item.possible_points();
      if (!AcceptanceOf(t, i, 0, item).any()) earned += item.earned_points();
    }
    if (earned >= kPassingShare * possible) passing_[t] = earned / possible;
  }

  // Whether more digits might help.
  bool IsOpen(size_t i) const {
    const ItemFindings& findings = findings_[i];
    return !findings.is_unreliable && !findings.enough.has_value() &&
           (findings.is_weak || findings.hidden != nullptr || findings.acceptance.by_window);
  }

  // Tries again, with more digits than required, what could be told from no wrong answer.
  absl::Status TryMoreDigits(int extra) {
    if (is_exhausted_) return absl::OkStatus();
    std::vector<size_t> open;
    for (size_t i = 0; i < items().size(); ++i) {
      if (IsOpen(i)) open.push_back(i);
    }
    std::set<size_t> still_open;
    std::set<size_t> tolerant;
    absl::Status status = GradeRightPapers(open, extra, [&](size_t i, const auto& report) {
      if (IsWeak(i, report)) still_open.insert(i);
    });
    if (!status.ok()) return status;
    const auto note = [&](size_t t, size_t i, const v1::ItemReport& report) {
      const Acceptance acceptance = AcceptanceOf(t, i, extra, report);
      if (acceptance.by_window) still_open.insert(i);
      if (acceptance.by_tolerance) tolerant.insert(i);
    };
    for (size_t t = 0; t < trials_.size(); ++t) {
      std::vector<size_t> asked;
      for (const size_t i : open) {
        if (still_open.contains(i)) continue;
        const auto found = trials_[t].numbers.find(i);
        if (found == trials_[t].numbers.end()) continue;
        const WrongPaper* paper = trials_[t].paper;
        if (paper != nullptr && HidesKey(*paper, i, found->second, extra)) still_open.insert(i);
        if (!IsWrong(i, found->second, extra)) continue;
        status = TryAlone(t, i, extra, [&](const auto& report) { note(t, i, report); });
        if (!status.ok()) return status;
        if (!still_open.contains(i)) asked.push_back(i);
      }
      if (asked.empty()) continue;
      status = TryWhole(t, WrongItems(trials_[t], extra), extra, [&](const auto& report) {
        for (const size_t i : asked) note(t, i, report.items(static_cast<int>(i)));
      });
      if (!status.ok()) return status;
    }
    if (is_exhausted_) return absl::OkStatus();
    for (const size_t i : open) {
      if (still_open.contains(i)) continue;
      findings_[i].enough = extra;
      findings_[i].is_tolerant = tolerant.contains(i);
    }
    return absl::OkStatus();
  }

  // "4 decimals", as a requirement is written.
  std::string DigitsText(size_t i, int extra) const {
    const CompiledItem& item = items()[i];
    const v1::Item& definition = definition_.items(static_cast<int>(i));
    const v1::RequiredDigits& digits = definition.has_required_digits()
                                           ? definition.required_digits()
                                           : definition_.policy().required_digits();
    const double unit = UnitOf(i, extra);
    if (unit == 0) return "all digits";
    const int decimals = -ExponentOf(unit);
    if (!digits.has_significant_digits() && decimals >= 0 && decimals <= kMostDecimals) {
      return fmt::format("{} decimal{}", decimals, decimals == 1 ? "" : "s");
    }
    const int significant =
        digits.has_significant_digits()
            ? digits.significant_digits() + extra
            : static_cast<int>(RoundedDigits(item.largest_magnitude, kMostDecimals).first_place) +
                  decimals + 1;
    return fmt::format("{} significant digit{}", significant, significant == 1 ? "" : "s");
  }

  // What the assignment should say for an item.
  std::string ChangeText(size_t i) const {
    const ItemFindings& findings = findings_[i];
    std::string change;
    if (findings.enough.has_value()) {
      change = "ask for " + DigitsText(i, *findings.enough);
    } else if (IsOpen(i)) {
      change = "ask for more than " + DigitsText(i, is_exhausted_ ? 0 : kMostExtraDigits);
    }
    if (findings.acceptance.by_tolerance || findings.is_tolerant) {
      change += change.empty() ? "" : ", and ";
      change += "make the tolerance smaller";
    }
    if (!change.empty()) return change;
    return "some numbers of the key are the same, which CREDIT_ALL_OR_NOTHING does not credit";
  }

  std::string AcceptedText(size_t i, const std::vector<std::string_view>& codes) const {
    const Trial& first = trials_[*findings_[i].accepted.begin()];
    std::string others;
    if (codes.size() == 2) others = ", and another wrong answer,";
    if (codes.size() > 2) others = fmt::format(", and {} other wrong answers,", codes.size() - 1);
    return fmt::format("{}{} would be accepted: {}.", Capitalized(first.Name()), others,
                       ChangeText(i));
  }

  void Report(v1::LintAssignmentResponse* response) const {
    const auto add = [response](const std::string& item, std::string_view code, double credit,
                                std::string message) {
      v1::LintFinding* finding = response->add_findings();
      finding->set_item(item);
      finding->set_code(std::string(code));
      finding->set_credit(credit);
      finding->set_message(std::move(message));
      return finding;
    };
    if (std::all_of(items().begin(), items().end(),
                    [](const CompiledItem& item) { return item.points == 0; })) {
      add("", "no_points", 0, "No item has points, so no wrong answer was tried.");
    }
    if (is_exhausted_) {
      add("", "not_all_tried", 0,
          "Trying everything would take too long. What is not listed may be accepted all the same: "
          "lint fewer items, or smaller problems, at a time.");
    }
    for (const auto& [t, share] : passing_) {
      add("", trials_[t].code, share,
          fmt::format("A paper with {} throughout would pass, as what follows from an error, or "
                      "repeats it, earns points: set carried_credit lower, or charge each mistake.",
                      trials_[t].Name()));
    }
    int64_t tried = 0;
    int64_t accepted = 0;
    for (size_t i = 0; i < items().size(); ++i) {
      const ItemFindings& findings = findings_[i];
      const std::string& id = items()[i].id;
      tried += static_cast<int64_t>(findings.tried.size());
      if (findings.is_unreliable) {
        add(id, "unreliable", 0,
            "The reference is no finite number, or a second method does not confirm it: the item "
            "counts for nobody.");
        continue;
      }
      if (findings.is_accused) {
        add(id, "right_paper_accused", 0,
            fmt::format("The key itself, rounded to {}, would not be correct: ask for more digits, "
                        "or make the tolerance larger.",
                        DigitsText(i, 0)));
      }
      std::vector<std::string_view> codes;
      for (const size_t t : findings.accepted) {
        if (std::find(codes.begin(), codes.end(), trials_[t].code) == codes.end()) {
          codes.push_back(trials_[t].code);
        }
      }
      if (!codes.empty()) {
        accepted += static_cast<int64_t>(codes.size());
        v1::LintFinding* finding = add(id, codes.front(), findings.credit, AcceptedText(i, codes));
        for (size_t c = 1; c < codes.size(); ++c) {
          finding->add_also_accepted(std::string(codes[c]));
        }
      }
      if (findings.hidden != nullptr) {
        add(id, "weak", 0,
            fmt::format("With {}, the key reads like {}: {}.", DigitsText(i, 0),
                        findings.hidden->name, ChangeText(i)));
      } else if (findings.is_weak) {
        add(id, "weak", 0,
            fmt::format("With {}, right answers may be further apart than the key's largest "
                        "number: {}.",
                        DigitsText(i, 0), ChangeText(i)));
      }
    }
    response->set_tried_count(tried);
    response->set_accepted_count(accepted);
  }

  const v1::Assignment& definition_;
  const CompiledAssignment& assignment_;
  const std::atomic<bool>& cancelled_;
  std::vector<Trial> trials_;
  std::vector<ItemFindings> findings_;  // by item
  std::map<size_t, double> passing_;    // by paper: the share that it would earn
  double paper_flops_ = 0;
  double replay_flops_ = 0;
  double flops_left_;
  bool is_exhausted_ = false;
};

}  // namespace

absl::Status Lint(const v1::LintAssignmentRequest& request, const Limits& limits,
                  const std::atomic<bool>& cancelled, v1::LintAssignmentResponse* response) {
  if (!request.has_assignment()) return FieldError("assignment", Reason::kMissingField, "unset");
  const absl::StatusOr<CompiledAssignment> assignment =
      CompiledAssignment::Compile(request.assignment(), limits, cancelled);
  if (!assignment.ok()) return assignment.status();
  int64_t numbers = 0;
  for (const CompiledItem& item : assignment->items()) numbers += item.key.size();
  if (numbers > kMaxNumbers) {
    return FieldError(
        "items", Reason::kLimitExceeded,
        fmt::format("their keys have {} numbers, the limit of lint is {}", numbers, kMaxNumbers));
  }
  return Linter(request.assignment(), *assignment, limits, cancelled).Lint(response);
}

}  // namespace gradus
