#include "server/grading/paper.h"

#include <algorithm>
#include <map>
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
    EvaluateFormulas();
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
    const absl::StatusOr<bool> is_right = assignment_.problems()[asked.problem].draws->AreEqual(
        *formula, asked.formula.has_value() ? *asked.formula : Formula::OfQuantity(*asked.target),
        cancelled_);
    if (!is_right.ok()) return is_right.status();
    item.formula_is_right = *is_right;
    if (*is_right) SetValue({.written = asked.key[0]}, item);
    formulas_.emplace(i, *formula);
    return absl::OkStatus();
  }

  // Gives each formula its value, from the first quantity on, as formulas name only what is given
  // or comes earlier.
  void EvaluateFormulas() {
    std::vector<size_t> order;
    for (const auto& [i, formula] : formulas_) order.push_back(i);
    const auto place = [this](size_t i) {
      const CompiledItem& item = assignment_.items()[i];
      // An item whose key is a formula may be answered by one that names its last quantity.
      return std::pair(item.order, item.formula.has_value());
    };
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
    for (const size_t i : order) {
      const std::optional<PaperElement> value = ValueOfFormula(i);
      formula_values_[i] = value;
      PaperItem& item = paper_.items[i];
      // A right one stands for the key, whatever it is at the assignment's own numbers.
      if (value.has_value() && !*item.formula_is_right) SetValue(*value, item);
    }
  }

  // What the formula of item i is worth to the student, who has no number of the key: with one in
  // it, what follows from the formula would tell the key. nullopt where one would be needed.
  std::optional<PaperElement> ValueOfFormula(size_t i) const {
    const Formula& formula = formulas_.at(i);
    const AskedProblem& asked = assignment_.problems()[assignment_.items()[i].problem];
    std::vector<double> values;
    std::vector<double> half_widths;
    for (const Target& variable : formula.variables()) {
      const std::optional<PaperElement> number = NumberOf(variable, asked);
      if (!number.has_value()) return std::nullopt;
      values.push_back(*number->written);
      half_widths.push_back(number->half_width);
    }
    return PaperElement{.written = formula.Evaluate(values),
                        .half_width = formula.HalfWidth(values, half_widths)};
  }

  // A number as it was handed in, by itself or as a formula; or the truth, if it is not asked for,
  // as nothing is that is given.
  std::optional<PaperElement> NumberOf(const Target& target, const AskedProblem& asked) const {
    bool is_asked = false;
    if (const auto items = asked.items.find({target.update, target.quantity});
        items != asked.items.end()) {
      for (const size_t i : items->second) {
        const std::optional<int64_t>& element = assignment_.items()[i].target->element;
        if (element.has_value() && element != target.element) continue;
        is_asked = true;
        if (formulas_.contains(i)) return formula_values_.at(i);
        const size_t place = element.has_value() ? 0 : static_cast<size_t>(*target.element);
        const PaperElement& number = paper_.items[i].elements[place];
        if (number.written.has_value()) return number;
      }
    }
    if (is_asked) return std::nullopt;
    return PaperElement{.written = asked.problem->TruthOf(target)[*target.element]};
  }

  // The number that a formula stands for, if it is one.
  static void SetValue(const PaperElement& value, PaperItem& item) {
    if (!std::isfinite(*value.written)) return;
    PaperElement& element = item.elements.front();
    element.written = value.written;
    element.half_width = HalfWidth(0, *value.written, false);
    if (value.half_width > element.half_width) element.half_width = value.half_width;
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
  // By their items.
  std::map<size_t, Formula> formulas_;
  std::map<size_t, std::optional<PaperElement>> formula_values_;
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
