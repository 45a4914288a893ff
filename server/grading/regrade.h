#ifndef GRADUS_SERVER_GRADING_REGRADE_H_
#define GRADUS_SERVER_GRADING_REGRADE_H_

#include <cstdint>

#include "gradus/v1/assignment.pb.h"
#include "gradus/v1/class_report.pb.h"
#include "gradus/v1/grade.pb.h"

namespace gradus {

// What counts where the new grade of an item is lower than the old one.
enum class LoweredScore { kCounts, kKeepsTheOld };

// Makes a RegradeReport (class_report.proto) from pairs of reports, as they come. Adds up whole
// thousandths. Keeps one entry per submission, with the items that changed. Not safe from several
// threads at once.
class RegradeReportBuilder {
 public:
  RegradeReportBuilder(const v1::Assignment& old_assignment, const v1::Assignment& new_assignment,
                       LoweredScore lowered_score);

  // Adds what two reports say of one submission, by the old and by the new assignment. Both must
  // have been cut to the same feedback level, or verdicts differ that mean the same.
  void Add(const v1::GradeReport& before, const v1::GradeReport& after);

  // The report on all that was added so far.
  const v1::RegradeReport& report() const { return report_; }

 private:
  // What counts, of thousandths.
  int64_t Counted(int64_t before, int64_t after) const;
  // Lists an item if it changed, and returns the thousandths that count. nullptr: there is none.
  int64_t AddItem(const v1::ItemReport* before, const v1::ItemReport* after,
                  v1::RegradedSubmission* submission) const;

  LoweredScore lowered_score_;
  v1::RegradeReport report_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_REGRADE_H_
