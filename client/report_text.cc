#include "client/report_text.h"

#include <algorithm>
#include <vector>

#include "client/columns.h"
#include "client/console.h"
#include "client/tensor_text.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace gradus {
namespace {

// The numbers of a tensor on one line; empty if there is none.
std::string OneLine(bool present, const v1::Tensor& tensor) {
  if (!present) return "";
  const absl::StatusOr<std::vector<std::string>> lines = TensorLines(tensor);
  if (!lines.ok()) return "?";
  return fmt::format("{}", fmt::join(*lines, " "));
}

bool IsListed(const v1::ItemReport& item, ListedItems listed) {
  return listed == ListedItems::kAll || item.verdict() != v1::VERDICT_CORRECT ||
         item.notes_size() > 0;
}

// The items that are listed, below each other. Columns for numbers only where there are some.
std::string ItemTable(const std::vector<const v1::ItemReport*>& items) {
  const bool has_values = std::any_of(items.begin(), items.end(), [](const auto* item) {
    return item->has_expected() || item->has_submitted();
  });
  std::vector<std::vector<std::string>> rows = {{"item", "verdict", "points", "message"}};
  if (has_values) rows[0].insert(rows[0].end(), {"expected", "submitted"});
  for (const v1::ItemReport* item : items) {
    std::string message = item->message();
    for (const std::string& note : item->notes()) {
      message += fmt::format("{}{}", message.empty() ? "" : "; ", note);
    }
    rows.push_back({Printable(item->id()), std::string(VerdictWord(item->verdict())),
                    PointsText(item->earned_points(), item->possible_points()),
                    Printable(message)});
    if (has_values) {
      rows.back().push_back(OneLine(item->has_expected(), item->expected()));
      rows.back().push_back(OneLine(item->has_submitted(), item->submitted()));
    }
  }
  return AlignColumns(rows, kIndent);
}

std::string ItemsText(const v1::GradeReport& report, ListedItems listed) {
  std::vector<const v1::ItemReport*> items;
  int correct = 0;
  for (const v1::ItemReport& item : report.items()) {
    if (item.verdict() == v1::VERDICT_CORRECT) ++correct;
    if (IsListed(item, listed)) items.push_back(&item);
  }
  const int count = report.items_size();
  std::string text = correct == count && count > 1
                         ? fmt::format("{}all {} items correct\n", kIndent, count)
                         : fmt::format("{}{} of {} items correct\n", kIndent, correct, count);
  if (!items.empty()) text += "\n" + ItemTable(items);
  return text;
}

}  // namespace

std::string_view VerdictWord(v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_CORRECT:
      return "correct";
    case v1::VERDICT_PARTLY_CORRECT:
      return "partly correct";
    case v1::VERDICT_CARRIED:
      return "carried";
    case v1::VERDICT_INCORRECT:
      return "incorrect";
    case v1::VERDICT_MISSING:
      return "missing";
    case v1::VERDICT_MALFORMED:
      return "malformed";
    case v1::VERDICT_UNRELIABLE:
      return "unreliable";
    default:
      return "unknown";  // a server newer than this client
  }
}

std::string PointsText(double points) {
  std::string text = fmt::format("{:.3f}", points);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string PointsText(double earned, double possible) {
  return fmt::format("{} / {}", PointsText(earned), PointsText(possible));
}

std::string ReportText(const v1::GradeReport& report, std::string_view file, ListedItems listed) {
  std::string text = fmt::format(
      "{}: {} points\n", Printable(report.submission_id().empty() ? file : report.submission_id()),
      PointsText(report.earned_points(), report.possible_points()));
  if (!report.gradable()) {
    text += fmt::format("{}not gradable: an answer is malformed, this should cost no attempt\n",
                        kIndent);
  }
  if (report.items_size() > 0) text += ItemsText(report, listed);
  if (!report.first_wrong_item().empty()) {
    text +=
        fmt::format("\n{}first wrong step: {}\n", kIndent, Printable(report.first_wrong_item()));
  }
  if (report.unexpected_size() > 0) {
    text += fmt::format("\n{}answers to no item: {}\n", kIndent,
                        Printable(fmt::format("{}", fmt::join(report.unexpected().begin(),
                                                              report.unexpected().end(), ", "))));
  }
  return text;
}

}  // namespace gradus
