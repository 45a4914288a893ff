#include "client/report_text.h"

#include <string>

#include "google/protobuf/text_format.h"
#include <gtest/gtest.h>

namespace gradus {
namespace {

std::string TextOf(const std::string& report_text, ListedItems listed = ListedItems::kNotCorrect) {
  v1::GradeReport report;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(report_text, &report));
  return ReportText(report, "folder/s.txtpb", listed);
}

// Correct in all but the last item.
constexpr char kOneWrong[] = R"pb(
  submission_id: "s1"
  earned_points: 2.5
  possible_points: 4
  gradable: true
  items { id: "h1" verdict: VERDICT_CORRECT earned_points: 1 possible_points: 1 }
  items { id: "σ'(z)" verdict: VERDICT_CORRECT earned_points: 1 possible_points: 1 }
  items {
    id: "dL/dW"
    verdict: VERDICT_PARTLY_CORRECT
    earned_points: 0.5
    possible_points: 2
    message: "1 of 4 elements are right"
  }
  first_wrong_item: "dL/dW"
)pb";

TEST(ReportText, ScoreOnly) {
  EXPECT_EQ(TextOf("submission_id: 's1' earned_points: 38.5 possible_points: 60 gradable: true"),
            "s1: 38.5 / 60 points\n");
}

TEST(ReportText, PointsAreDecimalsWithoutZerosAtTheEnd) {
  EXPECT_EQ(TextOf("submission_id: 's1' earned_points: 0.125 possible_points: 1e6 gradable: true"),
            "s1: 0.125 / 1000000 points\n");
  EXPECT_EQ(TextOf("submission_id: 's1' earned_points: 0.3 possible_points: 100 gradable: true"),
            "s1: 0.3 / 100 points\n");
}

TEST(ReportText, TheFileStandsInForAnId) {
  EXPECT_EQ(TextOf("possible_points: 1 gradable: true"), "folder/s.txtpb: 0 / 1 points\n");
}

TEST(ReportText, AllCorrect) {
  EXPECT_EQ(TextOf(R"pb(
              submission_id: "s1"
              earned_points: 2
              possible_points: 2
              gradable: true
              items { id: "h1" verdict: VERDICT_CORRECT earned_points: 1 possible_points: 1 }
              items { id: "h2" verdict: VERDICT_CORRECT earned_points: 1 possible_points: 1 }
            )pb"),
            "s1: 2 / 2 points\n"
            "  all 2 items correct\n");
}

TEST(ReportText, OneItem) {
  EXPECT_EQ(TextOf(R"pb(
              submission_id: "s1"
              earned_points: 1
              possible_points: 1
              gradable: true
              items { id: "h1" verdict: VERDICT_CORRECT earned_points: 1 possible_points: 1 }
            )pb"),
            "s1: 1 / 1 points\n"
            "  1 of 1 items correct\n");
}

TEST(ReportText, ListsWhatIsNotCorrect) {
  EXPECT_EQ(TextOf(kOneWrong),
            "s1: 2.5 / 4 points\n"
            "  2 of 3 items correct\n"
            "\n"
            "  item   verdict         points   message\n"
            "  dL/dW  partly correct  0.5 / 2  1 of 4 elements are right\n"
            "\n"
            "  first wrong step: dL/dW\n");
}

TEST(ReportText, ListsAllItems) {
  EXPECT_EQ(TextOf(kOneWrong, ListedItems::kAll),
            "s1: 2.5 / 4 points\n"
            "  2 of 3 items correct\n"
            "\n"
            "  item   verdict         points   message\n"
            "  h1     correct         1 / 1\n"
            "  σ'(z)  correct         1 / 1\n"
            "  dL/dW  partly correct  0.5 / 2  1 of 4 elements are right\n"
            "\n"
            "  first wrong step: dL/dW\n");
}

TEST(ReportText, EveryVerdictHasItsWord) {
  EXPECT_EQ(
      TextOf(R"pb(
        submission_id: "s1"
        items { id: "a" verdict: VERDICT_CARRIED }
        items { id: "b" verdict: VERDICT_INCORRECT }
        items { id: "c" verdict: VERDICT_MISSING message: "not answered" }
        items { id: "d" verdict: VERDICT_MALFORMED }
        items { id: "e" verdict: VERDICT_UNRELIABLE }
        items { id: "f" }
        items { id: "g" verdict: VERDICT_CORRECT notes: "two digits asked" notes: "one given" }
        unexpected: "x1"
        unexpected: "x2"
      )pb"),
      "s1: 0 / 0 points\n"
      "  not gradable: an answer is malformed, this should cost no attempt\n"
      "  1 of 7 items correct\n"
      "\n"
      "  item  verdict     points  message\n"
      "  a     carried     0 / 0\n"
      "  b     incorrect   0 / 0\n"
      "  c     missing     0 / 0   not answered\n"
      "  d     malformed   0 / 0\n"
      "  e     unreliable  0 / 0\n"
      "  f     unknown     0 / 0\n"
      "  g     correct     0 / 0   two digits asked; one given\n"
      "\n"
      "  answers to no item: x1, x2\n");
}

TEST(ReportText, NumbersWhereTheReportHasSome) {
  EXPECT_EQ(TextOf(R"pb(
              submission_id: "s1"
              possible_points: 2
              gradable: true
              items {
                id: "h1"
                verdict: VERDICT_INCORRECT
                possible_points: 1
                message: "not right"
                expected { values: 0.5 }
                submitted { values: 0.25 }
              }
              items {
                id: "W"
                verdict: VERDICT_MISSING
                possible_points: 1
                expected {
                  shape: [ 2, 2 ]
                  values: [ 1, 2, 3, 4 ]
                }
              }
            )pb"),
            "s1: 0 / 2 points\n"
            "  0 of 2 items correct\n"
            "\n"
            "  item  verdict    points  message    expected       submitted\n"
            "  h1    incorrect  0 / 1   not right  0.5            0.25\n"
            "  W     missing    0 / 1              [1  2] [3  4]\n");
}

TEST(ReportText, SubmissionsForgeNothing) {
  EXPECT_EQ(TextOf("submission_id: 's1: 60 / 60\\nx\\033[1A' possible_points: 1 gradable: true"),
            "s1: 60 / 60 x?[1A: 0 / 1 points\n");
}

}  // namespace
}  // namespace gradus
