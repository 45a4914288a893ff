#include "server/grading/class_report.h"

#include <algorithm>
#include <set>
#include <span>

#include "fmt/format.h"
#include "server/grading/points.h"
#include "server/grading/written_number.h"

namespace gradus {
namespace {

constexpr int kMostMissedItems = 5;
constexpr int kMostConfusedPairs = 10;
constexpr int64_t kFewestConfused = 2;
constexpr size_t kMostItemsOfOneAnswer = 8;
constexpr int kDigitsOfConfused = 3;
constexpr int kDigitsOfShared = 4;
constexpr int kMostWrongValues = 256;  // of one submission
constexpr char kSharedValuesNote[] =
    "These submissions share an unusual wrong value. That may have innocent reasons, such as work "
    "in groups or the same slip.";

// Carried and credited in full counts as right; so does carried where there are no points to be
// had.
bool IsRight(const v1::ItemReport& item) {
  return item.verdict() == v1::VERDICT_CORRECT ||
         (item.verdict() == v1::VERDICT_CARRIED &&
          ToThousandths(item.earned_points()) == ToThousandths(item.possible_points()));
}

bool IsWrong(const v1::ItemReport& item) {
  return item.verdict() == v1::VERDICT_INCORRECT || item.verdict() == v1::VERDICT_PARTLY_CORRECT;
}

// The number `quarters` of the way through sorted numbers, in proportion between two of them,
// rounded half up.
int64_t Quartile(std::span<const int64_t> sorted, size_t quarters) {
  const size_t place = (sorted.size() - 1) * quarters;
  const int64_t below = sorted[place / 4];
  const int64_t above = sorted[std::min(place / 4 + 1, sorted.size() - 1)];
  return below + ((above - below) * static_cast<int64_t>(place % 4) + 2) / 4;
}

// Rounded half up. Adds quotients and remainders, since the sum itself may not fit.
int64_t Mean(std::span<const int64_t> numbers) {
  const auto count = static_cast<int64_t>(numbers.size());
  int64_t quotients = 0;
  int64_t remainders = 0;
  for (const int64_t number : numbers) {
    quotients += number / count;
    remainders += number % count;
  }
  return quotients + (2 * remainders + count) / (2 * count);
}

// Indices of the counts above 0, the largest first, equal ones in order.
std::vector<size_t> MostFrequentFirst(const std::vector<int64_t>& counts) {
  std::vector<size_t> order;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return counts[a] > counts[b]; });
  return order;
}

}  // namespace

ClassReportBuilder::ClassReportBuilder(const v1::Assignment& assignment)
    : name_(assignment.name()), written_answers_(assignment) {
  for (const v1::Item& item : assignment.items()) {
    item_by_id_.try_emplace(item.id(), ids_.size());
    ids_.push_back(item.id());
  }
  items_.resize(ids_.size());
}

void ClassReportBuilder::Add(const v1::GradeReport& report, const v1::Submission& submission) {
  const v1::FeedbackLevel level = report.feedback_level();
  level_ = submission_count_ == 0 ? level : std::min(level_, level);
  ++submission_count_;
  if (report.gradable()) ++gradable_count_;
  AddTotal(report);
  if (level < v1::FEEDBACK_LEVEL_VERDICT) return;
  const ItemReports reports = ReportsByItem(report);
  const Numbers written = written_answers_.Read(submission);
  AddItems(reports);
  AddConfusedItems(reports, written);
  if (level < v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP) return;
  if (const auto item = FindItem(report.first_wrong_item()); item.has_value()) {
    ++items_[*item].first_wrong;
  }
  if (level < v1::FEEDBACK_LEVEL_MISTAKE) return;
  const std::vector<bool> is_explained = AddFindings(report);
  submission_ids_.push_back(report.submission_id());
  AddWrongValues(reports, written, is_explained);
}

v1::ClassReport ClassReportBuilder::Build() const {
  v1::ClassReport report;
  report.set_assignment(name_);
  report.set_feedback_level(level_);
  report.set_submission_count(submission_count_);
  report.set_gradable_count(gradable_count_);
  BuildScores(&report);
  if (level_ < v1::FEEDBACK_LEVEL_VERDICT) return report;
  BuildItems(&report);
  BuildConfusedItems(&report);
  if (level_ < v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP) return report;
  BuildFirstWrongItems(&report);
  if (level_ < v1::FEEDBACK_LEVEL_MISTAKE) return report;
  BuildMistakes(&report);
  BuildSharedValues(&report);
  return report;
}

std::optional<size_t> ClassReportBuilder::FindItem(const std::string& id) const {
  const auto found = item_by_id_.find(id);
  if (found == item_by_id_.end()) return std::nullopt;
  return found->second;
}

ClassReportBuilder::ItemReports ClassReportBuilder::ReportsByItem(
    const v1::GradeReport& report) const {
  ItemReports reports(ids_.size(), nullptr);
  for (const v1::ItemReport& item : report.items()) {
    if (const auto index = FindItem(item.id()); index.has_value()) reports[*index] = &item;
  }
  return reports;
}

void ClassReportBuilder::AddTotal(const v1::GradeReport& report) {
  const int64_t earned = ToThousandths(report.earned_points());
  const int64_t possible = ToThousandths(report.possible_points());
  if (possible == 0) return;
  totals_.push_back(earned);
  most_possible_ = std::max(most_possible_, possible);
  const auto bin = static_cast<size_t>(earned * 10 / possible);
  ++bins_[std::min(bin, bins_.size() - 1)];
}

void ClassReportBuilder::AddItems(const ItemReports& reports) {
  for (size_t i = 0; i < reports.size(); ++i) {
    if (reports[i] == nullptr) continue;
    const v1::ItemReport& item = *reports[i];
    ItemCounts& counts = items_[i];
    // A server newer than we are may know more verdicts.
    if (v1::Verdict_IsValid(item.verdict())) ++counts.verdicts[item.verdict()];
    if (IsRight(item)) ++counts.right;
    if (item.verdict() == v1::VERDICT_UNRELIABLE) continue;
    counts.earned += ToThousandths(item.earned_points());
    counts.possible += ToThousandths(item.possible_points());
  }
}

void ClassReportBuilder::AddConfusedItems(const ItemReports& reports, const Numbers& written) {
  struct Items {
    std::vector<size_t> right;
    std::vector<size_t> wrong;
  };
  std::map<std::vector<std::string>, Items> by_answer;
  for (size_t i = 0; i < reports.size(); ++i) {
    const std::vector<std::string>& numbers = written[i];
    if (reports[i] == nullptr ||
        std::none_of(numbers.begin(), numbers.end(), [](const std::string& number) {
          return TellingDigits(number) >= kDigitsOfConfused;
        })) {
      continue;
    }
    if (IsRight(*reports[i])) {
      by_answer[numbers].right.push_back(i);
    } else if (IsWrong(*reports[i])) {
      by_answer[numbers].wrong.push_back(i);
    }
  }
  for (const auto& [numbers, items] : by_answer) {
    if (items.right.size() + items.wrong.size() > kMostItemsOfOneAnswer) continue;
    for (const size_t wrong : items.wrong) {
      for (const size_t right : items.right) ++confused_[{wrong, right}];
    }
  }
}

std::vector<bool> ClassReportBuilder::AddFindings(const v1::GradeReport& report) {
  std::vector<bool> is_explained(ids_.size(), false);
  std::map<std::string, std::set<size_t>> items_by_code;  // each counts once per submission
  bool has_unexplained = false;
  for (const v1::Finding& finding : report.findings()) {
    if (finding.mistakes().empty()) has_unexplained = true;
    for (const v1::Mistake& mistake : finding.mistakes()) {
      mistakes_[mistake.code()].message = mistake.message();
      std::set<size_t>& items = items_by_code[mistake.code()];
      for (const v1::Place& place : finding.places()) {
        for (const std::string& id : place.items()) {
          const auto item = FindItem(id);
          if (!item.has_value()) continue;
          items.insert(*item);
          is_explained[*item] = true;
        }
      }
    }
  }
  for (const auto& [code, items] : items_by_code) {
    MistakeCounts& counts = mistakes_[code];
    ++counts.submissions;
    for (const size_t item : items) ++counts.by_item[item];
  }
  if (has_unexplained) ++unexplained_count_;
  return is_explained;
}

void ClassReportBuilder::AddWrongValues(const ItemReports& reports, const Numbers& written,
                                        const std::vector<bool>& is_explained) {
  int count = 0;
  const auto add = [&](size_t item, std::optional<int64_t> element, const std::string& text) {
    if (count == kMostWrongValues || text.size() > kMaxNumberBytes ||
        TellingDigits(text) < kDigitsOfShared) {
      return;
    }
    ++count;
    wrong_values_[{item, element, text}].push_back(submission_ids_.size() - 1);
  };
  for (size_t i = 0; i < reports.size(); ++i) {
    if (reports[i] == nullptr || is_explained[i]) continue;
    const v1::ItemReport& item = *reports[i];
    const std::vector<std::string>& numbers = written[i];
    if (numbers.size() == 1) {
      if (item.verdict() == v1::VERDICT_INCORRECT) add(i, std::nullopt, numbers[0]);
      continue;
    }
    if (static_cast<int>(numbers.size()) != item.elements_size()) continue;
    for (int e = 0; e < item.elements_size(); ++e) {
      if (item.elements(e) == v1::VERDICT_INCORRECT) add(i, e, numbers[static_cast<size_t>(e)]);
    }
  }
}

void ClassReportBuilder::BuildScores(v1::ClassReport* report) const {
  if (totals_.empty()) return;
  std::vector<int64_t> sorted = totals_;
  std::sort(sorted.begin(), sorted.end());
  v1::ScoreDistribution* scores = report->mutable_scores();
  for (const int64_t count : bins_) scores->add_bin_counts(count);
  scores->set_mean_points(ToPoints(Mean(sorted)));
  scores->set_lowest_points(ToPoints(sorted.front()));
  scores->set_lower_quartile_points(ToPoints(Quartile(sorted, 1)));
  scores->set_median_points(ToPoints(Quartile(sorted, 2)));
  scores->set_upper_quartile_points(ToPoints(Quartile(sorted, 3)));
  scores->set_highest_points(ToPoints(sorted.back()));
  scores->set_possible_points(ToPoints(most_possible_));
}

void ClassReportBuilder::BuildItems(v1::ClassReport* report) const {
  std::vector<int64_t> missed;
  for (size_t i = 0; i < items_.size(); ++i) {
    const ItemCounts& counts = items_[i];
    v1::ItemStatistics* item = report->add_items();
    item->set_id(ids_[i]);
    int64_t judged = 0;
    for (int v = 0; v < v1::Verdict_ARRAYSIZE; ++v) {
      const int64_t count = counts.verdicts[static_cast<size_t>(v)];
      if (count == 0) continue;
      if (v != v1::VERDICT_UNRELIABLE) judged += count;
      v1::VerdictCount* verdict = item->add_verdicts();
      verdict->set_verdict(static_cast<v1::Verdict>(v));
      verdict->set_count(count);
    }
    item->set_right_count(counts.right);
    if (counts.possible > 0) {
      item->set_mean_share(static_cast<double>(counts.earned) /
                           static_cast<double>(counts.possible));
    }
    missed.push_back(judged - counts.right);
  }
  for (const size_t i : MostFrequentFirst(missed)) {
    if (report->most_missed_items_size() == kMostMissedItems) break;
    report->add_most_missed_items(ids_[i]);
  }
}

void ClassReportBuilder::BuildConfusedItems(v1::ClassReport* report) const {
  std::vector<std::pair<size_t, size_t>> pairs;
  std::vector<int64_t> counts;
  for (const auto& [pair, count] : confused_) {
    if (count < kFewestConfused) continue;
    pairs.push_back(pair);
    counts.push_back(count);
  }
  for (const size_t i : MostFrequentFirst(counts)) {
    if (report->confused_items_size() == kMostConfusedPairs) break;
    v1::ConfusedItems* confused = report->add_confused_items();
    confused->set_item(ids_[pairs[i].first]);
    confused->set_other_item(ids_[pairs[i].second]);
    confused->set_submission_count(counts[i]);
  }
}

void ClassReportBuilder::BuildFirstWrongItems(v1::ClassReport* report) const {
  std::vector<int64_t> counts;
  for (const ItemCounts& item : items_) counts.push_back(item.first_wrong);
  for (const size_t i : MostFrequentFirst(counts)) {
    v1::FirstWrongCount* first_wrong = report->add_first_wrong_items();
    first_wrong->set_item(ids_[i]);
    first_wrong->set_submission_count(counts[i]);
  }
}

void ClassReportBuilder::BuildMistakes(v1::ClassReport* report) const {
  std::vector<const std::pair<const std::string, MistakeCounts>*> mistakes;
  std::vector<int64_t> counts;
  for (const auto& entry : mistakes_) {
    mistakes.push_back(&entry);
    counts.push_back(entry.second.submissions);
  }
  for (const size_t i : MostFrequentFirst(counts)) {
    v1::MistakeCount* mistake = report->add_mistakes();
    mistake->set_code(mistakes[i]->first);
    mistake->set_message(mistakes[i]->second.message);
    mistake->set_submission_count(counts[i]);
    for (const auto& [item, count] : mistakes[i]->second.by_item) {
      v1::ItemCount* at_item = mistake->add_items();
      at_item->set_item(ids_[item]);
      at_item->set_submission_count(count);
    }
  }
  report->set_unexplained_count(unexplained_count_);
}

void ClassReportBuilder::BuildSharedValues(v1::ClassReport* report) const {
  const auto most = static_cast<size_t>(std::max<int64_t>(3, submission_count_ / 20));
  std::map<std::vector<std::string>, std::vector<const WrongValue*>> by_submissions;
  for (const auto& [value, submissions] : wrong_values_) {
    std::set<std::string> ids;
    for (const size_t submission : submissions) ids.insert(submission_ids_[submission]);
    if (ids.size() < 2 || ids.size() > most) continue;
    by_submissions[{ids.begin(), ids.end()}].push_back(&value);
  }
  for (const auto& [ids, values] : by_submissions) {
    v1::SharedValues* shared = report->add_shared_values();
    shared->mutable_submission_ids()->Add(ids.begin(), ids.end());
    for (const WrongValue* value : values) {
      v1::SharedValue* entry = shared->add_values();
      entry->set_item(ids_[value->item]);
      if (value->element.has_value()) entry->set_element(*value->element);
      entry->set_value(value->text);
    }
  }
  // Those with the most in common first, equal ones by their ids.
  std::stable_sort(report->mutable_shared_values()->begin(), report->mutable_shared_values()->end(),
                   [](const v1::SharedValues& a, const v1::SharedValues& b) {
                     return a.values_size() > b.values_size();
                   });
  if (!report->shared_values().empty()) report->set_shared_values_note(kSharedValuesNote);
}

}  // namespace gradus
