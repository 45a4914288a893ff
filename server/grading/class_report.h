#ifndef GRADUS_SERVER_GRADING_CLASS_REPORT_H_
#define GRADUS_SERVER_GRADING_CLASS_REPORT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gradus/v1/assignment.pb.h"
#include "gradus/v1/class_report.pb.h"
#include "gradus/v1/grade.pb.h"
#include "server/grading/written_answers.h"

namespace gradus {

// Makes a ClassReport (class_report.proto) from the reports of one assignment, as they come. It
// computes no key, and reads from a report only what its level tells.
//
// Keeps counts per item, and of each submission its total, its id, and what it may have in common
// with others, at most 256 values of up to 64 characters and two pairs per item: never the
// submissions themselves. Not safe from several threads at once.
class ClassReportBuilder {
 public:
  explicit ClassReportBuilder(const v1::Assignment& assignment);

  // Adds one submission with its report, which must be one of this assignment. What the report says
  // of other items is ignored.
  void Add(const v1::GradeReport& report, const v1::Submission& submission);

  // The report on all that was added so far, in an order that does not depend on the order of Add.
  v1::ClassReport Build() const;

 private:
  // What a class did at one item.
  struct ItemCounts {
    std::array<int64_t, v1::Verdict_ARRAYSIZE> verdicts = {};
    int64_t right = 0;
    int64_t first_wrong = 0;
    int64_t earned = 0;  // thousandths, as the next
    int64_t possible = 0;
  };
  struct MistakeCounts {
    std::string message;
    int64_t submissions = 0;
    std::map<size_t, int64_t> by_item;  // submissions
  };
  // A wrong value at its place.
  struct WrongValue {
    size_t item;
    std::optional<int64_t> element;
    std::string text;
    bool operator<(const WrongValue& other) const {
      return std::tie(item, element, text) < std::tie(other.item, other.element, other.text);
    }
  };
  // The parts of a report that concern known items, by index; nullptr where it says nothing.
  using ItemReports = std::vector<const v1::ItemReport*>;
  using Numbers = std::vector<std::vector<std::string>>;

  std::optional<size_t> FindItem(const std::string& id) const;
  ItemReports ReportsByItem(const v1::GradeReport& report) const;

  void AddTotal(const v1::GradeReport& report);
  void AddItems(const ItemReports& reports);
  void AddConfusedItems(const ItemReports& reports, const Numbers& written);
  // Returns for each item whether a known mistake explains what is wrong there.
  std::vector<bool> AddFindings(const v1::GradeReport& report);
  void AddWrongValues(const ItemReports& reports, const Numbers& written,
                      const std::vector<bool>& is_explained);

  void BuildScores(v1::ClassReport* report) const;
  void BuildItems(v1::ClassReport* report) const;
  void BuildConfusedItems(v1::ClassReport* report) const;
  void BuildFirstWrongItems(v1::ClassReport* report) const;
  void BuildMistakes(v1::ClassReport* report) const;
  void BuildSharedValues(v1::ClassReport* report) const;

  std::string name_;
  std::vector<std::string> ids_;  // of the items
  std::unordered_map<std::string, size_t> item_by_id_;
  WrittenAnswers written_answers_;

  v1::FeedbackLevel level_ = v1::FEEDBACK_LEVEL_UNSPECIFIED;  // the least; until the first, unknown
  int64_t submission_count_ = 0;
  int64_t gradable_count_ = 0;
  int64_t unexplained_count_ = 0;
  std::vector<std::string> submission_ids_;  // of those at MISTAKE or above
  std::vector<int64_t> totals_;              // thousandths, as the next
  int64_t most_possible_ = 0;
  std::array<int64_t, 10> bins_ = {};
  std::vector<ItemCounts> items_;
  std::map<std::pair<size_t, size_t>, int64_t> confused_;   // the wrong item first
  std::map<std::string, MistakeCounts> mistakes_;           // by code
  std::map<WrongValue, std::vector<size_t>> wrong_values_;  // indices of submission_ids_
};

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_CLASS_REPORT_H_
