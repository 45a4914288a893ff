#include "server/grading/feedback.h"

#include <algorithm>

namespace gradus {
namespace {

// What is told below FIRST_WRONG_STEP: right or not, whatever it follows from. Without its
// elements: what is carried counts as far as it earns points, so that neither a verdict nor a
// message tells it from what is incorrect.
void HideOrigin(v1::ItemReport& item) {
  const bool is_carried = item.verdict() == v1::VERDICT_CARRIED;
  if (is_carried && item.earned_points() == item.possible_points()) {
    item.set_verdict(v1::VERDICT_CORRECT);
    item.clear_message();
  } else if (is_carried || item.verdict() == v1::VERDICT_PARTLY_CORRECT) {
    const bool any_right =
        item.earned_points() > 0 ||
        std::count(item.elements().begin(), item.elements().end(), v1::VERDICT_CORRECT) > 0;
    item.set_verdict(any_right ? v1::VERDICT_PARTLY_CORRECT : v1::VERDICT_INCORRECT);
    if (is_carried) {
      item.set_message(item.elements().empty() ? "not entirely right"
                                               : "some elements are not right");
    }
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
      HideOrigin(item);
      item.clear_elements();
    }
  }
  if (level < v1::FEEDBACK_LEVEL_VERDICT) {
    report->clear_items();
    report->clear_unexpected();
  }
}

}  // namespace gradus
