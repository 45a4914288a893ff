#include "server/grading/feedback.h"

namespace gradus {
namespace {

// What is told below FIRST_WRONG_STEP: right or not, whatever it follows from.
void HideOrigin(v1::ItemReport& item) {
  if (item.verdict() == v1::VERDICT_CARRIED) {
    item.set_verdict(item.earned_points() == item.possible_points() ? v1::VERDICT_CORRECT
                     : item.earned_points() > 0                     ? v1::VERDICT_PARTLY_CORRECT
                                                                    : v1::VERDICT_INCORRECT);
    item.clear_message();
  }
  if (item.verdict() == v1::VERDICT_PARTLY_CORRECT && item.message().empty()) {
    item.set_message("not entirely right");
  }
  if (item.verdict() == v1::VERDICT_INCORRECT) item.set_message("not right");
}

}  // namespace

void CutToLevel(v1::FeedbackLevel level, v1::GradeReport* report) {
  report->set_feedback_level(level);
  if (level < v1::FEEDBACK_LEVEL_VALUES) {
    for (v1::ItemReport& item : *report->mutable_items()) {
      item.clear_expected();
      item.clear_submitted();
      item.clear_mended();
      item.clear_own();
      item.clear_window_low();
      item.clear_window_high();
      item.clear_weak();
    }
  }
  if (level < v1::FEEDBACK_LEVEL_MISTAKE) {
    for (v1::Finding& finding : *report->mutable_findings()) finding.clear_mistakes();
  }
  if (level < v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP) {
    report->clear_findings();
    report->clear_first_wrong_item();
    for (v1::ItemReport& item : *report->mutable_items()) {
      item.clear_elements();
      HideOrigin(item);
    }
  }
  if (level < v1::FEEDBACK_LEVEL_VERDICT) {
    report->clear_items();
    report->clear_unexpected();
  }
}

}  // namespace gradus
