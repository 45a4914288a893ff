#include "server/grading/paper.h"

#include <algorithm>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "server/grading/answer.h"
#include "server/grading/digits.h"
#include "server/status/text.h"

namespace gradus {
namespace {

constexpr size_t kMaxUnexpected = 16;
constexpr size_t kMaxUnexpectedLength = 128;

// Reads one submission, answer by answer.
class PaperReader {
 public:
  PaperReader(const CompiledAssignment& assignment, const v1::Submission& submission,
              const std::atomic<bool>& cancelled)
      : assignment_(assignment), submission_(submission), cancelled_(cancelled) {}

  absl::StatusOr<Paper> Read() {
    std::vector<std::vector<const v1::Answer*>> answers(assignment_.items().size());
    for (const v1::Answer& answer : submission_.answers()) {
      const std::optional<size_t> item = assignment_.FindItem(answer.item());
      if (item.has_value()) {
        answers[*item].push_back(&answer);
      } else if (paper_.unexpected.size() < kMaxUnexpected) {
        paper_.unexpected.emplace_back(CutUtf8(answer.item(), kMaxUnexpectedLength));
      }
    }
    for (size_t i = 0; i < answers.size(); ++i) {
      PaperItem& item = paper_.items.emplace_back();
      item.elements.resize(static_cast<size_t>(assignment_.items()[i].key.size()));
      if (answers[i].size() > 1) {
        SetMalformed(fmt::format("answered {} times", answers[i].size()), item);
      } else if (answers[i].size() == 1) {
        if (absl::Status s = ReadItem(*answers[i].front(), i, item); !s.ok()) return s;
      }
    }
    const double usual_unit = UsualUnit(units_);
    paper_.usual_half_width = HalfWidth(usual_unit, 0, assignment_.policy().allow_truncation());
    paper_.has_mixed_units = usual_unit > 0 && inexact_units_.size() > 1;
    return std::move(paper_);
  }

 private:
  void SetMalformed(std::string problem, PaperItem& item) {
    paper_.gradable = false;
    item.problem = std::move(problem);
    for (PaperElement& element : item.elements) element.verdict = v1::VERDICT_MALFORMED;
  }

  absl::Status ReadItem(const v1::Answer& answer, size_t i, PaperItem& item) {
    if (answer.answer_case() == v1::Answer::kFormula) return ReadFormula(answer.formula(), i, item);
    const CompiledItem& asked = assignment_.items()[i];
    const ReadAnswer read =
        ReadAnswerFor(answer, asked.key.shape(),
                      {assignment_.policy().decimal_comma(), submission_.declared_digits()});
    if (read.values.empty()) {
      SetMalformed(read.problem, item);
      return absl::OkStatus();
    }
    bool is_coarse = false;
    for (size_t e = 0; e < read.values.size(); ++e) {
      PaperElement& element = item.elements[e];
      if (!read.values[e].has_value()) {
        element.verdict = v1::VERDICT_MALFORMED;
        continue;
      }
      const WrittenNumber& number = *read.values[e];
      is_coarse = is_coarse || number.unit > asked.required_unit;
      const double unit = std::min(number.unit, asked.required_unit);
      units_.push_back(unit);
      if (!IsExact(number.value, asked, e)) inexact_units_.insert(unit);
      element.written = number.value;
      element.half_width = HalfWidth(unit, number.value, assignment_.policy().allow_truncation());
    }
    if (is_coarse) item.notes.emplace_back("fewer digits than the assignment asks for");
    if (!read.problem.empty()) {
      paper_.gradable = false;
      item.problem = read.problem;
    }
    return absl::OkStatus();
  }

  absl::Status ReadFormula(const std::string& text, size_t i, PaperItem& item) {
    const CompiledItem& asked = assignment_.items()[i];
    if (asked.key.size() != 1) {
      SetMalformed("a formula answers an item of one number; this item has several", item);
      return absl::OkStatus();
    }
    // An item whose key is a formula comes after the last quantity that the formula names.
    const int64_t before = asked.formula.has_value() ? asked.order + 1 : asked.order;
    const absl::StatusOr<Formula> formula = assignment_.ReadFormula(text, asked.problem, before);
    if (!formula.ok()) {
      SetMalformed(std::string(formula.status().message()), item);
      return absl::OkStatus();
    }
    const AskedProblem& problem = assignment_.problems()[asked.problem];
    const absl::StatusOr<bool> is_right = problem.draws->AreEqual(
        *formula, asked.formula.has_value() ? *asked.formula : Formula::OfQuantity(*asked.target),
        cancelled_);
    if (!is_right.ok()) return is_right.status();
    item.formula_is_right = *is_right;
    const double value = *is_right ? asked.key[0] : problem.ValueOf(*formula);
    if (std::isfinite(value)) {
      PaperElement& element = item.elements.front();
      element.written = value;
      element.half_width = HalfWidth(0, value, false);
    }
    return absl::OkStatus();
  }

  // Whether a number is all there is, such as a 1 or a 0.5 that the key has too: its digits do not
  // tell where its writer rounds.
  static bool IsExact(double x, const CompiledItem& asked, size_t element) {
    constexpr double kSame = 1e-12;
    return std::abs(x - asked.key[static_cast<int64_t>(element)]) <=
           kSame * asked.largest_magnitude;
  }

  const CompiledAssignment& assignment_;
  const v1::Submission& submission_;
  const std::atomic<bool>& cancelled_;
  Paper paper_;
  std::vector<double> units_;
  std::set<double> inexact_units_;
};

}  // namespace

absl::StatusOr<Paper> ReadPaper(const CompiledAssignment& assignment,
                                const v1::Submission& submission,
                                const std::atomic<bool>& cancelled) {
  return PaperReader(assignment, submission, cancelled).Read();
}

}  // namespace gradus
