#include "client/class_command.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "client/columns.h"
#include "client/grade_each.h"
#include "client/report_text.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "server/files/json.h"
#include "server/files/message_file.h"
#include "server/grading/class_report.h"

namespace gradus {
namespace {

constexpr int kMostValues = 4;  // of those that some submissions share

using Rows = std::vector<std::vector<std::string>>;
using VerdictCounts = std::array<int64_t, v1::Verdict_ARRAYSIZE>;

// "first wrong step".
std::string LevelWord(v1::FeedbackLevel level) {
  std::string word = v1::FeedbackLevel_Name(level);
  word.erase(0, std::string_view("FEEDBACK_LEVEL_").size());
  for (char& c : word) c = c == '_' ? ' ' : static_cast<char>(c - 'A' + 'a');
  return word.empty() ? "unknown" : word;  // a server newer than this client
}

std::string Percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string Percent(int64_t part, int64_t whole) {
  return whole == 0 ? "" : Percent(static_cast<double>(part) / static_cast<double>(whole));
}

// A table below an empty line; nothing if it has only its head.
std::string Section(const Rows& rows) {
  return rows.size() > 1 ? "\n" + AlignColumns(rows, kIndent) : "";
}

std::string ScoresText(const v1::ScoreDistribution& scores) {
  std::string text = fmt::format(
      "\n{}points of {}: mean {}, median {}, quartiles {} and {}, lowest {}, highest {}\n", kIndent,
      PointsText(scores.possible_points()), PointsText(scores.mean_points()),
      PointsText(scores.median_points()), PointsText(scores.lower_quartile_points()),
      PointsText(scores.upper_quartile_points()), PointsText(scores.lowest_points()),
      PointsText(scores.highest_points()));
  Rows rows = {{"score", "submissions"}};
  for (int i = 0; i < scores.bin_counts_size(); ++i) {
    rows.push_back(
        {fmt::format("{} to {} %", 10 * i, 10 * (i + 1)), fmt::format("{}", scores.bin_counts(i))});
  }
  return text + Section(rows);
}

VerdictCounts CountsOf(const v1::ItemStatistics& item) {
  VerdictCounts counts = {};
  for (const v1::VerdictCount& entry : item.verdicts()) {
    if (v1::Verdict_IsValid(entry.verdict())) counts[entry.verdict()] += entry.count();
  }
  return counts;
}

// A column for each verdict that somebody got.
std::string ItemsText(const v1::ClassReport& report) {
  std::vector<VerdictCounts> counts;
  for (const v1::ItemStatistics& item : report.items()) counts.push_back(CountsOf(item));
  std::vector<size_t> shown;
  Rows rows = {{"item", "right"}};
  for (size_t v = 0; v < v1::Verdict_ARRAYSIZE; ++v) {
    if (std::none_of(counts.begin(), counts.end(),
                     [v](const VerdictCounts& item) { return item[v] > 0; })) {
      continue;
    }
    shown.push_back(v);
    rows[0].emplace_back(VerdictWord(static_cast<v1::Verdict>(v)));
  }
  rows[0].emplace_back("mean share");
  for (int i = 0; i < report.items_size(); ++i) {
    const v1::ItemStatistics& item = report.items(i);
    const VerdictCounts& of_item = counts[static_cast<size_t>(i)];
    int64_t judged = 0;
    for (size_t v = 0; v < of_item.size(); ++v) {
      if (v != v1::VERDICT_UNRELIABLE) judged += of_item[v];
    }
    rows.push_back({Printable(item.id()), Percent(item.right_count(), judged)});
    for (const size_t v : shown) rows.back().push_back(fmt::format("{}", of_item[v]));
    rows.back().push_back(item.has_mean_share() ? Percent(item.mean_share()) : "");
  }
  std::string text = Section(rows);
  if (report.most_missed_items_size() > 0) {
    text += fmt::format(
        "\n{}most missed: {}\n", kIndent,
        Printable(fmt::format("{}", fmt::join(report.most_missed_items().begin(),
                                              report.most_missed_items().end(), ", "))));
  }
  return text;
}

std::string ConfusedItemsText(const v1::ClassReport& report) {
  Rows rows = {{"wrong item", "answered with that of", "submissions"}};
  for (const v1::ConfusedItems& pair : report.confused_items()) {
    rows.push_back({Printable(pair.item()), Printable(pair.other_item()),
                    fmt::format("{}", pair.submission_count())});
  }
  return Section(rows);
}

std::string FirstWrongItemsText(const v1::ClassReport& report) {
  Rows rows = {{"first wrong step", "submissions"}};
  for (const v1::FirstWrongCount& entry : report.first_wrong_items()) {
    rows.push_back({Printable(entry.item()), fmt::format("{}", entry.submission_count())});
  }
  return Section(rows);
}

std::string MistakesText(const v1::ClassReport& report) {
  Rows rows = {{"mistake", "submissions", "items"}};
  for (const v1::MistakeCount& mistake : report.mistakes()) {
    std::string items;
    for (const v1::ItemCount& entry : mistake.items()) {
      items += fmt::format("{}{} ({})", items.empty() ? "" : ", ", entry.item(),
                           entry.submission_count());
    }
    rows.push_back({Printable(mistake.code()), fmt::format("{}", mistake.submission_count()),
                    Printable(items)});
  }
  if (report.unexplained_count() > 0) {
    rows.push_back({"(none known)", fmt::format("{}", report.unexplained_count())});
  }
  return Section(rows);
}

std::string SharedValuesText(const v1::ClassReport& report) {
  if (report.shared_values().empty()) return "";
  std::string text = fmt::format("\n{}{}\n", kIndent, Printable(report.shared_values_note()));
  Rows rows = {{"submissions", "values"}};
  for (const v1::SharedValues& shared : report.shared_values()) {
    std::string values;
    for (int i = 0; i < std::min(shared.values_size(), kMostValues); ++i) {
      const v1::SharedValue& value = shared.values(i);
      values += fmt::format(
          "{}{}{}: {}", i == 0 ? "" : "; ", value.item(),
          value.has_element() ? fmt::format(" (element {})", value.element()) : "", value.value());
    }
    if (shared.values_size() > kMostValues) {
      values += fmt::format("; {} more", shared.values_size() - kMostValues);
    }
    rows.push_back({Printable(fmt::format("{}", fmt::join(shared.submission_ids().begin(),
                                                          shared.submission_ids().end(), ", "))),
                    Printable(values)});
  }
  return text + Section(rows);
}

// What is absent because of the level, not because nothing was found.
std::string NotToldText(v1::FeedbackLevel level) {
  constexpr std::pair<v1::FeedbackLevel, std::string_view> kTold[] = {
      {v1::FEEDBACK_LEVEL_VERDICT, "items"},
      {v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP, "first wrong steps"},
      {v1::FEEDBACK_LEVEL_MISTAKE, "mistakes, shared wrong values"},
  };
  std::string missing;
  for (const auto& [from, what] : kTold) {
    if (level < from) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", what);
  }
  return missing.empty() ? "" : fmt::format("\n{}not told at this level: {}\n", kIndent, missing);
}

}  // namespace

std::string ClassText(const v1::ClassReport& report) {
  std::string text = fmt::format("{}: {} submissions, {} gradable", Printable(report.assignment()),
                                 report.submission_count(), report.gradable_count());
  if (report.submission_count() == 0) return text + "\n";
  text += fmt::format("; feedback level: {}\n", LevelWord(report.feedback_level()));
  if (report.has_scores()) text += ScoresText(report.scores());
  text += ItemsText(report);
  text += ConfusedItemsText(report);
  text += FirstWrongItemsText(report);
  text += MistakesText(report);
  text += SharedValuesText(report);
  text += NotToldText(report.feedback_level());
  return text;
}

ExitCode RunClass(const ClassOptions& options) {
  absl::StatusOr<v1::Assignment> assignment = ReadMessageFile<v1::Assignment>(options.assignment);
  if (!assignment.ok()) return Fail(assignment.status());
  const AssignmentFile file = {options.assignment, *std::move(assignment)};
  ClassReportBuilder builder(file.assignment);
  absl::Status read = absl::OkStatus();
  const ExitCode code =
      GradeEach(options.submissions, {&file, 1}, v1::FEEDBACK_LEVEL_UNSPECIFIED, options.connection,
                [&](const std::string& submission_file, std::span<const v1::GradeReport> reports) {
                  // Read again, and not held: submissions may be large.
                  v1::Submission submission;
                  read.Update(ReadMessageFile(submission_file, &submission));
                  builder.Add(reports.front(), submission);
                });
  if (!read.ok()) return Fail(read);
  if (code != ExitCode::kDone && code != ExitCode::kPartlyGraded) return code;
  const v1::ClassReport report = builder.Build();
  const absl::StatusOr<std::string> text =
      options.json ? ToJson(report, JsonFields::kAll) : ClassText(report);
  if (!text.ok()) return Fail(text.status());
  Print(*text);
  return code;
}

}  // namespace gradus
