#include "server/grading/grader.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "server/grading/answer.h"
#include "server/status/text.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

constexpr int kMaxUnexpected = 16;
constexpr size_t kMaxUnexpectedLength = 128;

double Points(int64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

bool IsReliable(const CompiledItem& item) {
  return std::all_of(item.key.values().begin(), item.key.values().end(),
                     [](double x) { return std::isfinite(x); });
}

// The verdict on an element that was answered.
v1::Verdict Judge(const std::optional<double>& value, double key, const Tolerance& tolerance) {
  if (!value.has_value()) return v1::VERDICT_MALFORMED;
  return IsNear(*value, key, tolerance) ? v1::VERDICT_CORRECT : v1::VERDICT_INCORRECT;
}

// The verdict on an item from those on its elements.
v1::Verdict Summarize(const std::vector<v1::Verdict>& elements) {
  const auto all = [&](v1::Verdict v) {
    return std::all_of(elements.begin(), elements.end(), [v](v1::Verdict e) { return e == v; });
  };
  if (all(v1::VERDICT_CORRECT)) return v1::VERDICT_CORRECT;
  if (std::find(elements.begin(), elements.end(), v1::VERDICT_CORRECT) != elements.end()) {
    return v1::VERDICT_PARTLY_CORRECT;
  }
  return all(v1::VERDICT_MALFORMED) ? v1::VERDICT_MALFORMED : v1::VERDICT_INCORRECT;
}

// Points for `correct` of `count` elements, rounded half up to a thousandth.
int64_t Credit(v1::Credit credit, int64_t points, int64_t correct, int64_t count) {
  if (credit == v1::CREDIT_ALL_OR_NOTHING) return correct == count ? points : 0;
  return (2 * points * correct + count) / (2 * count);
}

// Judges one submission, item by item.
class Grader {
 public:
  Grader(const CompiledAssignment& assignment, const v1::Submission& submission)
      : assignment_(assignment), answers_(assignment.items().size()) {
    report_.set_assignment(assignment.name());
    report_.set_submission_id(submission.id());
    report_.set_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
    report_.set_gradable(true);
    for (const v1::Answer& answer : submission.answers()) Sort(answer);
  }

  v1::GradeReport Grade() {
    for (size_t i = 0; i < answers_.size(); ++i) GradeItem(assignment_.items()[i], answers_[i]);
    report_.set_earned_points(Points(earned_));
    report_.set_possible_points(Points(possible_));
    if (first_wrong_ != nullptr) report_.set_first_wrong_item(first_wrong_->id);
    return std::move(report_);
  }

 private:
  void Sort(const v1::Answer& answer) {
    const std::optional<size_t> item = assignment_.FindItem(answer.item());
    if (item.has_value()) {
      answers_[*item].push_back(&answer);
    } else if (report_.unexpected_size() < kMaxUnexpected) {
      report_.add_unexpected(std::string(CutUtf8(answer.item(), kMaxUnexpectedLength)));
    }
  }

  void GradeItem(const CompiledItem& item, const std::vector<const v1::Answer*>& answers) {
    v1::ItemReport* report = report_.add_items();
    report->set_id(item.id);
    report->set_possible_points(Points(item.points));
    WriteTensor(item.key, v1::TENSOR_ENCODING_VALUES, report->mutable_expected());
    if (!IsReliable(item)) {
      report->set_verdict(v1::VERDICT_UNRELIABLE);
      report->set_message("the reference is not finite here; the item does not count");
      return;
    }
    possible_ += item.points;
    if (answers.empty()) {
      report->set_verdict(v1::VERDICT_MISSING);
      report->set_message("not answered");
    } else if (answers.size() > 1) {
      SetMalformed(fmt::format("answered {} times", answers.size()), report);
    } else {
      GradeAnswer(item, *answers.front(), report);
    }
  }

  void GradeAnswer(const CompiledItem& item, const v1::Answer& answer, v1::ItemReport* report) {
    const ReadAnswer read = ReadAnswerFor(answer, item.key.shape());
    if (read.values.empty()) return SetMalformed(read.problem, report);

    std::vector<v1::Verdict> elements;
    Tensor<double> submitted(item.key.shape());
    for (int64_t i = 0; i < item.key.size(); ++i) {
      const std::optional<double>& value = read.values[static_cast<size_t>(i)];
      elements.push_back(Judge(value, item.key[i], item.tolerance));
      submitted[i] = value.value_or(std::nan(""));
    }
    const v1::Verdict verdict = Summarize(elements);
    const int64_t correct = std::count(elements.begin(), elements.end(), v1::VERDICT_CORRECT);
    const int64_t earned = Credit(assignment_.credit(), item.points, correct, item.key.size());
    earned_ += earned;
    report->set_verdict(verdict);
    report->set_earned_points(Points(earned));
    if (!read.problem.empty()) {
      report_.set_gradable(false);
      report->set_message(read.problem);
    } else if (verdict == v1::VERDICT_PARTLY_CORRECT) {
      // How many, and which, is for a higher level of feedback: `elements`.
      report->set_message("some elements are not right");
    } else if (verdict == v1::VERDICT_INCORRECT) {
      report->set_message("not right");
    }
    if (item.key.shape().rank() > 0)
      report->mutable_elements()->Add(elements.begin(), elements.end());
    WriteTensor(submitted, v1::TENSOR_ENCODING_VALUES, report->mutable_submitted());

    const bool wrong =
        std::find(elements.begin(), elements.end(), v1::VERDICT_INCORRECT) != elements.end();
    if (wrong && (first_wrong_ == nullptr || item.order < first_wrong_->order)) {
      first_wrong_ = &item;
    }
  }

  void SetMalformed(const std::string& problem, v1::ItemReport* report) {
    report_.set_gradable(false);
    report->set_verdict(v1::VERDICT_MALFORMED);
    report->set_message(problem);
  }

  const CompiledAssignment& assignment_;
  std::vector<std::vector<const v1::Answer*>> answers_;  // by item
  v1::GradeReport report_;
  int64_t earned_ = 0;  // in thousandths, as below
  int64_t possible_ = 0;
  const CompiledItem* first_wrong_ = nullptr;
};

}  // namespace

v1::GradeReport GradeSubmission(const CompiledAssignment& assignment,
                                const v1::Submission& submission) {
  return Grader(assignment, submission).Grade();
}

}  // namespace gradus
