#include "server/grading/grader.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"

#include "server/grading/paper.h"
#include "server/grading/points.h"
#include "server/grading/worlds.h"
#include "server/kernels/interruption.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

// Shares of carried credit are whole millionths.
constexpr int64_t kWhole = 1'000'000;

// How a root looks where the catalogue names no mistake: one number is off, and what follows tells
// whether the calculation or the pen slipped.
constexpr std::string_view kArithmeticSlip = "arithmetic_slip";
constexpr std::string_view kArithmeticSlipMessage =
    "A single number is off, and no usual mistake explains it: calculate it again.";
constexpr std::string_view kTranscriptionSlip = "transcription_slip";
constexpr std::string_view kTranscriptionSlipMessage =
    "What follows was calculated with the right number, but another one is written here: compare "
    "it with your notes.";

// The verdict on an item from those on its elements.
v1::Verdict Summarize(const PaperItem& item) {
  bool any_correct = false;
  bool any_carried = false;
  bool any_wrong = false;
  bool all_missing = true;
  bool all_malformed = true;
  for (const PaperElement& element : item.elements) {
    if (element.verdict == v1::VERDICT_UNRELIABLE) return v1::VERDICT_UNRELIABLE;
    any_correct = any_correct || element.verdict == v1::VERDICT_CORRECT;
    any_carried = any_carried || element.verdict == v1::VERDICT_CARRIED;
    any_wrong = any_wrong || element.verdict == v1::VERDICT_INCORRECT ||
                element.verdict == v1::VERDICT_MALFORMED;
    all_missing = all_missing && element.verdict == v1::VERDICT_MISSING;
    all_malformed = all_malformed && element.verdict == v1::VERDICT_MALFORMED;
  }
  if (all_malformed) return v1::VERDICT_MALFORMED;
  if (all_missing) return v1::VERDICT_MISSING;
  if (any_wrong) {
    return any_correct || any_carried ? v1::VERDICT_PARTLY_CORRECT : v1::VERDICT_INCORRECT;
  }
  return any_carried ? v1::VERDICT_CARRIED : v1::VERDICT_CORRECT;
}

std::string_view MessageFor(const PaperItem& item, v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_MISSING:
      return "not answered";
    case v1::VERDICT_UNRELIABLE:
      return "the reference cannot be trusted here; the item does not count";
    case v1::VERDICT_INCORRECT:
      return "does not follow from your earlier numbers";
    case v1::VERDICT_PARTLY_CORRECT:
      return "some elements are not right";
    case v1::VERDICT_CARRIED:
      return std::any_of(item.elements.begin(), item.elements.end(),
                         [](const PaperElement& e) { return e.hollow; })
                 ? "follows from an earlier error, which leaves nothing to show here"
                 : "follows from an earlier error";
    default:
      return "";
  }
}

// Makes a report of a paper that was judged.
class Reporter {
 public:
  Reporter(const CompiledAssignment& assignment, Paper& paper, std::vector<Root>& roots)
      : assignment_(assignment), paper_(paper), roots_(roots) {
    const v1::Policy& policy = assignment.policy();
    carried_credit_ =
        policy.has_carried_credit() ? std::llround(policy.carried_credit() * kWhole) : kWhole;
  }

  v1::GradeReport Report(const std::string& submission_id) {
    report_.set_assignment(assignment_.name());
    report_.set_submission_id(submission_id);
    report_.set_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
    report_.set_gradable(paper_.gradable);
    report_.mutable_unexpected()->Assign(paper_.unexpected.begin(), paper_.unexpected.end());
    AddFindings();
    int64_t earned = 0;
    int64_t possible = 0;
    for (size_t i = 0; i < paper_.items.size(); ++i) {
      v1::ItemReport* item = report_.add_items();
      Describe(i, item);
      if (item->verdict() == v1::VERDICT_UNRELIABLE) continue;
      const int64_t points = Credit(assignment_.items()[i].points, paper_.items[i]);
      item->set_earned_points(ToPoints(points));
      earned += points;
      possible += assignment_.items()[i].points;
    }
    report_.set_earned_points(ToPoints(earned));
    report_.set_possible_points(ToPoints(possible));
    return std::move(report_);
  }

 private:
  // Points for an item, rounded half up to a thousandth.
  int64_t Credit(int64_t points, const PaperItem& item) const {
    int64_t correct = 0;
    int64_t carried = 0;
    for (const PaperElement& element : item.elements) {
      if (element.verdict == v1::VERDICT_CORRECT) ++correct;
      if (element.verdict == v1::VERDICT_CARRIED && !element.hollow) ++carried;
      if (element.verdict == v1::VERDICT_INCORRECT && element.is_repeated) ++carried;
    }
    const auto count = static_cast<int64_t>(item.elements.size());
    const bool withheld =
        assignment_.credit() == v1::CREDIT_ALL_OR_NOTHING && correct + carried < count;
    if (count == 0 || withheld) return 0;
    // Up to 1e9 thousandths, 1e7 elements and 1e6 millionths.
    const absl::uint128 share =
        absl::uint128(static_cast<uint64_t>(correct)) * kWhole +
        absl::uint128(static_cast<uint64_t>(carried)) * static_cast<uint64_t>(carried_credit_);
    const absl::uint128 whole = absl::uint128(static_cast<uint64_t>(count)) * kWhole;
    return static_cast<int64_t>((absl::uint128(static_cast<uint64_t>(points)) * share * 2 + whole) /
                                (whole * 2));
  }

  void Describe(size_t i, v1::ItemReport* report) const {
    const CompiledItem& item = assignment_.items()[i];
    const PaperItem& answered = paper_.items[i];
    const v1::Verdict verdict = Summarize(answered);
    report->set_id(item.id);
    report->set_possible_points(ToPoints(item.points));
    report->set_verdict(verdict);
    report->mutable_notes()->Assign(answered.notes.begin(), answered.notes.end());
    report->set_message(answered.problem.empty() || verdict == v1::VERDICT_UNRELIABLE
                            ? std::string(MessageFor(answered, verdict))
                            : answered.problem);
    WriteTensor(item.key, v1::TENSOR_ENCODING_VALUES, report->mutable_expected());
    if (verdict == v1::VERDICT_UNRELIABLE) return;
    const bool is_answered =
        std::any_of(answered.elements.begin(), answered.elements.end(),
                    [](const PaperElement& e) { return e.written.has_value(); });
    if (!is_answered) return;
    if (item.key.shape().rank() > 0) {
      for (const PaperElement& e : answered.elements) report->add_elements(e.verdict);
    }
    const auto write = [&](auto number_of, v1::Tensor* tensor) {
      Tensor<double> numbers(item.key.shape());
      for (int64_t e = 0; e < numbers.size(); ++e) {
        numbers[e] = number_of(answered.elements[static_cast<size_t>(e)]);
      }
      WriteTensor(numbers, v1::TENSOR_ENCODING_VALUES, tensor);
    };
    write([](const PaperElement& e) { return e.written.value_or(std::nan("")); },
          report->mutable_submitted());
    write([](const PaperElement& e) { return e.mended; }, report->mutable_mended());
    write([](const PaperElement& e) { return e.own; }, report->mutable_own());
    write([](const PaperElement& e) { return e.low; }, report->mutable_window_low());
    write([](const PaperElement& e) { return e.high; }, report->mutable_window_high());
    report->set_weak(std::any_of(answered.elements.begin(), answered.elements.end(),
                                 [](const PaperElement& e) { return e.weak; }));
  }

  void AddFindings() {
    std::stable_sort(roots_.begin(), roots_.end(),
                     [](const Root& a, const Root& b) { return a.order < b.order; });
    if (!roots_.empty()) {
      report_.set_first_wrong_item(assignment_.items()[roots_.front().items.front()].id);
    }
    // One mistake made in several places is one finding.
    std::map<std::string_view, int> first_of;
    for (const Root& root : roots_) {
      const bool has_name = HasStructuralName(root);
      const std::string_view name = has_name ? root.diagnosis.named.front()->code : "";
      const auto known = first_of.find(name);
      const bool is_repeated = has_name && known != first_of.end();
      v1::Finding* finding =
          is_repeated ? report_.mutable_findings(known->second) : report_.add_findings();
      if (is_repeated) {
        if (assignment_.policy().repeated_mistake() == v1::REPEATED_MISTAKE_CHARGE_ONCE) {
          for (const auto& [item, element] : root.wrong) {
            paper_.items[item].elements[element].is_repeated = true;
          }
        }
      } else {
        first_of.emplace(name, report_.findings_size() - 1);
        finding->set_slip_of_the_pen(root.is_slip);
        AddMistakes(root, finding);
      }
      v1::Place* place = finding->add_places();
      place->set_quantity(root.quantity);
      for (const size_t i : root.items) place->add_items(assignment_.items()[i].id);
      place->mutable_elements()->Assign(root.elements.begin(), root.elements.end());
    }
  }

  static bool HasStructuralName(const Root& root) {
    const std::vector<const Hypothesis*>& named = root.diagnosis.named;
    return !named.empty() && named.front()->generality == Generality::kStructural;
  }

  static void AddMistakes(const Root& root, v1::Finding* finding) {
    const auto add = [&](std::string_view code, std::string_view message) {
      v1::Mistake* mistake = finding->add_mistakes();
      mistake->set_code(std::string(code));
      mistake->set_message(std::string(message));
    };
    for (const Hypothesis* mistake : root.diagnosis.named) add(mistake->code, mistake->message);
    if (HasStructuralName(root)) return;
    if (root.is_slip) {
      add(kTranscriptionSlip, kTranscriptionSlipMessage);
    } else if (root.is_single && root.diagnosis.named.empty() && !root.diagnosis.has_unnamed) {
      add(kArithmeticSlip, kArithmeticSlipMessage);
    }
  }

  const CompiledAssignment& assignment_;
  Paper& paper_;
  std::vector<Root>& roots_;
  v1::GradeReport report_;
  int64_t carried_credit_ = kWhole;
};

}  // namespace

absl::StatusOr<v1::GradeReport> GradeSubmission(const CompiledAssignment& assignment,
                                                const v1::Submission& submission,
                                                const std::atomic<bool>& cancelled) {
  const InterruptionScope scope(cancelled);
  absl::StatusOr<Paper> paper = ReadPaper(assignment, submission, cancelled);
  if (!paper.ok()) return paper.status();
  std::vector<Root> roots;
  for (size_t p = 0; p < assignment.problems().size(); ++p) {
    absl::Status status = JudgeProblem(assignment, p, cancelled, *paper, roots);
    if (!status.ok()) return status;
  }
  if (cancelled.load(std::memory_order_relaxed)) {
    return absl::CancelledError("cancelled by the caller");
  }
  return Reporter(assignment, *paper, roots).Report(submission.id());
}

}  // namespace gradus
