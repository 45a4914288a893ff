#include "server/grading/regrade.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "server/grading/points.h"

namespace gradus {
namespace {

void SetScore(const v1::ItemReport& item, v1::ItemScore* score) {
  score->set_verdict(item.verdict());
  score->set_earned_points(item.earned_points());
  score->set_possible_points(item.possible_points());
}

int64_t Earned(const v1::ItemReport* item) {
  return item == nullptr ? 0 : ToThousandths(item->earned_points());
}

bool IsSame(const v1::ItemReport* before, const v1::ItemReport* after) {
  return before != nullptr && after != nullptr && before->verdict() == after->verdict() &&
         Earned(before) == Earned(after);
}

}  // namespace

RegradeReportBuilder::RegradeReportBuilder(const v1::Assignment& old_assignment,
                                           const v1::Assignment& new_assignment,
                                           LoweredScore lowered_score)
    : lowered_score_(lowered_score) {
  report_.set_old_assignment(old_assignment.name());
  report_.set_new_assignment(new_assignment.name());
  report_.set_never_lower(lowered_score == LoweredScore::kKeepsTheOld);
}

void RegradeReportBuilder::Add(const v1::GradeReport& before, const v1::GradeReport& after) {
  v1::RegradedSubmission* submission = report_.add_submissions();
  submission->set_submission_id(after.submission_id());
  submission->set_feedback_level(std::min(before.feedback_level(), after.feedback_level()));
  submission->set_old_earned_points(before.earned_points());
  submission->set_old_possible_points(before.possible_points());
  submission->set_new_possible_points(after.possible_points());

  const int64_t old_total = ToThousandths(before.earned_points());
  int64_t new_total = 0;
  if (before.items().empty() || after.items().empty()) {
    new_total = Counted(old_total, ToThousandths(after.earned_points()));
  } else {
    std::unordered_map<std::string, const v1::ItemReport*> old_items;
    for (const v1::ItemReport& item : before.items()) old_items.emplace(item.id(), &item);
    std::unordered_set<std::string> new_ids;
    for (const v1::ItemReport& item : after.items()) {
      const auto found = old_items.find(item.id());
      new_total += AddItem(found == old_items.end() ? nullptr : found->second, &item, submission);
      new_ids.insert(item.id());
    }
    for (const v1::ItemReport& item : before.items()) {
      if (!new_ids.contains(item.id())) new_total += AddItem(&item, nullptr, submission);
    }
  }
  submission->set_new_earned_points(ToPoints(new_total));

  if (new_total > old_total) {
    report_.set_raised_count(report_.raised_count() + 1);
  } else if (new_total < old_total) {
    report_.set_lowered_count(report_.lowered_count() + 1);
  } else {
    report_.set_unchanged_count(report_.unchanged_count() + 1);
  }
}

int64_t RegradeReportBuilder::Counted(int64_t before, int64_t after) const {
  return lowered_score_ == LoweredScore::kKeepsTheOld ? std::max(before, after) : after;
}

int64_t RegradeReportBuilder::AddItem(const v1::ItemReport* before, const v1::ItemReport* after,
                                      v1::RegradedSubmission* submission) const {
  const int64_t counted = Counted(Earned(before), Earned(after));
  if (IsSame(before, after)) return counted;
  v1::ItemChange* change = submission->add_items();
  change->set_id((after != nullptr ? after : before)->id());
  if (before != nullptr) SetScore(*before, change->mutable_before());
  if (after != nullptr) SetScore(*after, change->mutable_after());
  change->set_counted_points(ToPoints(counted));
  return counted;
}

}  // namespace gradus
