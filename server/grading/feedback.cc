#include "server/grading/feedback.h"

namespace gradus {

void CutToLevel(v1::FeedbackLevel level, v1::GradeReport* report) {
  report->set_feedback_level(level);
  if (level < v1::FEEDBACK_LEVEL_VALUES) {
    for (v1::ItemReport& item : *report->mutable_items()) {
      item.clear_expected();
      item.clear_submitted();
    }
  }
  if (level < v1::FEEDBACK_LEVEL_MISTAKE) {
    for (v1::Finding& finding : *report->mutable_findings()) finding.clear_mistakes();
  }
  if (level < v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP) {
    report->clear_findings();
    report->clear_first_wrong_item();
    for (v1::ItemReport& item : *report->mutable_items()) item.clear_elements();
  }
  if (level < v1::FEEDBACK_LEVEL_VERDICT) {
    report->clear_items();
    report->clear_unexpected();
  }
}

}  // namespace gradus
