// What gradus class and gradus regrade print, from reports made here and from submissions that the
// server in this process grades, and their exit codes.

#include "client/class_command.h"

#include <string>

#include "google/protobuf/text_format.h"
#include <gtest/gtest.h>

#include "client/regrade_command.h"
#include "server/files/json.h"
#include "tests/client/capture.h"
#include "tests/support/temporary_folder.h"

namespace gradus {
namespace {

std::string ClassTextOf(const std::string& report_text) {
  v1::ClassReport report;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(report_text, &report));
  return ClassText(report);
}

std::string RegradeTextOf(const std::string& report_text) {
  v1::RegradeReport report;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(report_text, &report));
  return RegradeText(report);
}

TEST(ClassText, OfNobody) {
  EXPECT_EQ(ClassTextOf("assignment: 'homework'"), "homework: 0 submissions, 0 gradable\n");
}

TEST(ClassText, TotalsOnly) {
  EXPECT_EQ(
      ClassTextOf(R"pb(
        assignment: "homework"
        feedback_level: FEEDBACK_LEVEL_SCORE
        submission_count: 3
        gradable_count: 2
        scores {
          bin_counts: [ 0, 1, 0, 0, 0, 0, 0, 0, 0, 2 ]
          mean_points: 6.667
          lowest_points: 1
          lower_quartile_points: 5.25
          median_points: 9.5
          upper_quartile_points: 9.75
          highest_points: 10
          possible_points: 10
        }
      )pb"),
      "homework: 3 submissions, 2 gradable; feedback level: score\n"
      "\n"
      "  points of 10: mean 6.667, median 9.5, quartiles 5.25 and 9.75, lowest 1, highest 10\n"
      "\n"
      "  score        submissions\n"
      "  0 to 10 %    0\n"
      "  10 to 20 %   1\n"
      "  20 to 30 %   0\n"
      "  30 to 40 %   0\n"
      "  40 to 50 %   0\n"
      "  50 to 60 %   0\n"
      "  60 to 70 %   0\n"
      "  70 to 80 %   0\n"
      "  80 to 90 %   0\n"
      "  90 to 100 %  2\n"
      "\n"
      "  not told at this level: items, first wrong steps, mistakes, shared wrong values\n");
}

TEST(ClassText, AllThereIs) {
  EXPECT_EQ(ClassTextOf(R"pb(
              assignment: "homework"
              feedback_level: FEEDBACK_LEVEL_MISTAKE
              submission_count: 4
              gradable_count: 4
              items {
                id: "σ'(z)"
                verdicts { verdict: VERDICT_CORRECT count: 3 }
                verdicts { verdict: VERDICT_MISSING count: 1 }
                right_count: 3
                mean_share: 0.75
              }
              items {
                id: "W"
                verdicts { verdict: VERDICT_UNRELIABLE count: 4 }
              }
              most_missed_items: "σ'(z)"
              most_missed_items: "W"
              confused_items { item: "W" other_item: "V" submission_count: 2 }
              first_wrong_items { item: "W" submission_count: 3 }
              mistakes {
                code: "wrong_sign"
                submission_count: 2
                items { item: "W" submission_count: 2 }
                items { item: "V" submission_count: 1 }
              }
              unexplained_count: 1
              shared_values {
                submission_ids: "s1"
                submission_ids: "s2"
                values { item: "W" element: 3 value: "0.1234" }
                values { item: "V" value: "1.235" }
                values { item: "a" value: "1.236" }
                values { item: "b" value: "1.237" }
                values { item: "c" value: "1.238" }
              }
              shared_values_note: "May be innocent."
            )pb"),
            "homework: 4 submissions, 4 gradable; feedback level: mistake\n"
            "\n"
            "  item   right   correct  missing  unreliable  mean share\n"
            "  σ'(z)  75.0 %  3        1        0           75.0 %\n"
            "  W              0        0        4\n"
            "\n"
            "  most missed: σ'(z), W\n"
            "\n"
            "  wrong item  answered with that of  submissions\n"
            "  W           V                      2\n"
            "\n"
            "  first wrong step  submissions\n"
            "  W                 3\n"
            "\n"
            "  mistake       submissions  items\n"
            "  wrong_sign    2            W (2), V (1)\n"
            "  (none known)  1\n"
            "\n"
            "  May be innocent.\n"
            "\n"
            "  submissions  values\n"
            "  s1, s2       W (element 3): 0.1234; V: 1.235; a: 1.236; b: 1.237; 1 more\n");
}

TEST(ClassText, SubmissionsForgeNothing) {
  EXPECT_EQ(ClassTextOf(R"pb(
              assignment: "a\nb"
              feedback_level: FEEDBACK_LEVEL_MISTAKE
              submission_count: 2
              shared_values {
                submission_ids: "s1\033[1A"
                submission_ids: "s2"
                values { item: "W" value: "1.2\r34" }
              }
              shared_values_note: "Note."
            )pb"),
            "a b: 2 submissions, 0 gradable; feedback level: mistake\n"
            "\n"
            "  Note.\n"
            "\n"
            "  submissions  values\n"
            "  s1?[1A, s2   W: 1.2 34\n");
}

TEST(RegradeText, ShowsWhatChanged) {
  constexpr char kReport[] = R"pb(
    old_assignment: "old"
    new_assignment: "new"
    submissions {
      submission_id: "s1"
      old_earned_points: 2
      old_possible_points: 3
      new_earned_points: 1.5
      new_possible_points: 4
      items {
        id: "a"
        before { verdict: VERDICT_CORRECT earned_points: 2 possible_points: 2 }
        after { verdict: VERDICT_PARTLY_CORRECT earned_points: 0.5 possible_points: 2 }
        counted_points: 0.5
      }
      items {
        id: "b"
        after { verdict: VERDICT_CORRECT earned_points: 1 possible_points: 2 }
        counted_points: 1
      }
      items {
        id: "c"
        before { verdict: VERDICT_MISSING possible_points: 1 }
      }
    }
    submissions { submission_id: "s2" new_possible_points: 4 old_possible_points: 3 }
    lowered_count: 1
    unchanged_count: 1
  )pb";
  EXPECT_EQ(RegradeTextOf(kReport),
            "s1: 2 / 3 -> 1.5 / 4 points\n"
            "  item  before        points  after           points\n"
            "  a     correct       2 / 2   partly correct  0.5 / 2\n"
            "  b     no such item          correct         1 / 2\n"
            "  c     missing       0 / 1   no such item\n"
            "\n"
            "s2: 0 / 3 -> 0 / 4 points\n"
            "\n"
            "old -> new: 0 raised, 1 lowered, 1 unchanged\n");
  EXPECT_EQ(RegradeTextOf("submissions {"
                          "  submission_id: 's1' old_earned_points: 1 new_earned_points: 1"
                          "  items {"
                          "    id: 'a' before { verdict: VERDICT_CORRECT earned_points: 1 }"
                          "    after { verdict: VERDICT_INCORRECT } counted_points: 1"
                          "  }"
                          "}"
                          "old_assignment: 'old' new_assignment: 'new' never_lower: true "
                          "unchanged_count: 1"),
            "s1: 1 / 0 -> 1 / 0 points\n"
            "  item  before   points  after      points  counts\n"
            "  a     correct  1 / 0   incorrect  0 / 0   1\n"
            "\n"
            "old -> new: 0 raised, 0 lowered, 1 unchanged; each item keeps the larger of both "
            "scores\n");
}

// y = 3 * 2 = 6, an item of the given points.
std::string AssignmentText(const std::string& name, const std::string& item) {
  return "name: '" + name + "' problems { name: 'p' problem {" + R"pb(
           network {
             inputs { name: "x" }
             nodes {
               name: "y"
               inputs: "x"
               scale { factor: 3 }
             }
           }
           inputs {
             name: "x"
             tensor { values: 2 }
           }
         )pb" +
         "} } items { id: 'y' quantity: 'y' " + item + " }";
}

class ClassCommandTest : public testing::Test {
 protected:
  ClassCommandTest() {
    class_.assignment = folder_.Write("old.txtpb", AssignmentText("old", "points: 2"));
    regrade_.old_assignment = class_.assignment;
    regrade_.new_assignment = folder_.Write("new.txtpb", AssignmentText("new", "points: 1"));
    right_ = folder_.Write("right.txtpb", "id: 's1' answers { item: 'y' text { values: '6' } }");
    wrong_ = folder_.Write("wrong.txtpb", "answers { item: 'y' text { values: '7.123' } }");
  }

  const TemporaryFolder folder_;
  ClassOptions class_;
  RegradeOptions regrade_;
  std::string right_;
  std::string wrong_;
};

TEST_F(ClassCommandTest, ClassAsJson) {
  class_.submissions = {right_, wrong_};
  class_.json = true;
  const Outcome outcome = Capture([this] { return RunClass(class_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  v1::ClassReport report;
  ASSERT_TRUE(ParseJson(outcome.output, &report).ok()) << outcome.output;
  EXPECT_EQ(report.assignment(), "old");
  EXPECT_EQ(report.feedback_level(), v1::FEEDBACK_LEVEL_VERDICT);
  EXPECT_EQ(report.submission_count(), 2);
  EXPECT_EQ(report.scores().mean_points(), 1);
  EXPECT_EQ(report.scores().possible_points(), 2);
}

TEST_F(ClassCommandTest, ASubmissionThatCannotBeGradedIsNotInTheReport) {
  const std::string broken = folder_.Write("broken.txtpb", "answrs {}");
  const std::string long_id = folder_.Write("long.txtpb", "id: '" + std::string(300, 'x') + "'");
  class_.submissions = {broken, right_, long_id};
  class_.json = true;
  const Outcome outcome = Capture([this] { return RunClass(class_); });
  EXPECT_EQ(outcome.code, ExitCode::kPartlyGraded);
  EXPECT_EQ(outcome.error, "gradus: " + broken +
                               ":1:8: Message type \"gradus.v1.Submission\" has no field named "
                               "\"answrs\".\n"
                               "gradus: " +
                               long_id + ": submission.id: longer than 256 characters\n");
  v1::ClassReport report;
  ASSERT_TRUE(ParseJson(outcome.output, &report).ok()) << outcome.output;
  EXPECT_EQ(report.submission_count(), 1);
}

TEST_F(ClassCommandTest, WhatConcernsAllEndsTheRun) {
  class_.assignment = folder_.Write("wrong_assignment.txtpb", "name: 'a'");
  class_.submissions = {right_, right_};
  Outcome outcome = Capture([this] { return RunClass(class_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(outcome.error,
            "gradus: " + class_.assignment + ": problems: empty; there is nothing to compute\n");

  regrade_.new_assignment = class_.assignment;
  regrade_.submissions = class_.submissions;
  outcome = Capture([this] { return RunRegrade(regrade_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(outcome.error,
            "gradus: " + class_.assignment + ": problems: empty; there is nothing to compute\n");

  regrade_.connection.server = "unix:" + folder_.PathOf("no_socket");
  outcome = Capture([this] { return RunRegrade(regrade_); });
  EXPECT_EQ(outcome.code, ExitCode::kUnreachable);
  EXPECT_EQ(outcome.output, "");
}

TEST_F(ClassCommandTest, AnEmptyFolderIsAnError) {
  const TemporaryFolder submissions;
  class_.submissions = {submissions.PathOf("")};
  Outcome outcome = Capture([this] { return RunClass(class_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.output, "");

  submissions.Write("s1.txtpb", "answers { item: 'y' text { values: '6' } }");
  outcome = Capture([this] { return RunClass(class_); });
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_TRUE(outcome.output.starts_with("old: 1 submissions, 1 gradable")) << outcome.output;
}

TEST_F(ClassCommandTest, Regrade) {
  regrade_.submissions = {right_, wrong_};
  Outcome outcome = Capture([this] { return RunRegrade(regrade_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(outcome.output,
            "s1: 2 / 2 -> 1 / 1 points\n"
            "  item  before   points  after    points\n"
            "  y     correct  2 / 2   correct  1 / 1\n"
            "\n" +
                wrong_ +
                ": 0 / 2 -> 0 / 1 points\n"
                "\n"
                "old -> new: 0 raised, 1 lowered, 1 unchanged\n");
  regrade_.lowered_score = LoweredScore::kKeepsTheOld;
  regrade_.json = true;
  outcome = Capture([this] { return RunRegrade(regrade_); });
  v1::RegradeReport report;
  ASSERT_TRUE(ParseJson(outcome.output, &report).ok()) << outcome.output;
  EXPECT_TRUE(report.never_lower());
  EXPECT_EQ(report.unchanged_count(), 2);
  EXPECT_EQ(report.submissions(0).new_earned_points(), 2);
}

TEST_F(ClassCommandTest, RegradeComparesAtTheLowerLevel) {
  regrade_.new_assignment = folder_.Write(
      "score.txtpb", AssignmentText("new", "") + "policy { feedback_level: FEEDBACK_LEVEL_SCORE }");
  regrade_.submissions = {right_};
  EXPECT_EQ(Capture([this] { return RunRegrade(regrade_); }).output,
            "s1: 2 / 2 -> 1 / 1 points\n"
            "\n"
            "old -> new: 0 raised, 1 lowered, 0 unchanged\n");
}

}  // namespace
}  // namespace gradus
