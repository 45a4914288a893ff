#ifndef GRADUS_CLIENT_REPORT_TEXT_H_
#define GRADUS_CLIENT_REPORT_TEXT_H_

#include <string>
#include <string_view>

#include "gradus/v1/grade.pb.h"

namespace gradus {

// What a verdict is called: "partly correct".
std::string_view VerdictWord(v1::Verdict verdict);

// Points, which are whole thousandths, without zeros at the end: "38.5".
std::string PointsText(double points);
// "38.5 / 40".
std::string PointsText(double earned, double possible);

// Which items a report lists.
enum class ListedItems { kNotCorrect, kAll };

// A report for people, with as much as its feedback level holds: points, items, the first wrong
// step and what answers no item. `file` names the submission if it has no id of its own.
std::string ReportText(const v1::GradeReport& report, std::string_view file, ListedItems listed);

}  // namespace gradus

#endif  // GRADUS_CLIENT_REPORT_TEXT_H_
