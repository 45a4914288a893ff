#include "server/grading/regrade.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using testing::FromText;
using ::testing::IsEmpty;
using testing::ToText;

v1::Assignment Named(const std::string& name) {
  v1::Assignment assignment;
  assignment.set_name(name);
  return assignment;
}

v1::RegradeReport Regrade(const std::string& before, const std::string& after,
                          LoweredScore lowered_score = LoweredScore::kCounts) {
  RegradeReportBuilder builder(Named("old"), Named("new"), lowered_score);
  builder.Add(FromText<v1::GradeReport>(before), FromText<v1::GradeReport>(after));
  return builder.report();
}

// Item a is lowered from 2 to 0.5 points, b raised from 0 to 0.1; c does not change.
constexpr char kBefore[] = R"pb(
  submission_id: "s1"
  feedback_level: FEEDBACK_LEVEL_VERDICT
  earned_points: 2.7
  possible_points: 4
  items { id: "a" verdict: VERDICT_CORRECT earned_points: 2 possible_points: 2 }
  items { id: "b" verdict: VERDICT_INCORRECT possible_points: 1 }
  items { id: "c" verdict: VERDICT_PARTLY_CORRECT earned_points: 0.7 possible_points: 1 }
)pb";
constexpr char kAfter[] = R"pb(
  submission_id: "s1"
  feedback_level: FEEDBACK_LEVEL_VERDICT
  earned_points: 1.3
  possible_points: 4
  items { id: "a" verdict: VERDICT_PARTLY_CORRECT earned_points: 0.5 possible_points: 2 }
  items { id: "b" verdict: VERDICT_PARTLY_CORRECT earned_points: 0.1 possible_points: 1 }
  items { id: "c" verdict: VERDICT_PARTLY_CORRECT earned_points: 0.7 possible_points: 1 }
)pb";

TEST(RegradeTest, ShowsTheItemsThatChanged) {
  const v1::RegradeReport report = Regrade(kBefore, kAfter);
  EXPECT_EQ(report.old_assignment(), "old");
  EXPECT_EQ(report.new_assignment(), "new");
  EXPECT_FALSE(report.never_lower());
  ASSERT_EQ(report.submissions_size(), 1);
  const v1::RegradedSubmission& submission = report.submissions(0);
  EXPECT_EQ(submission.submission_id(), "s1");
  EXPECT_EQ(submission.feedback_level(), v1::FEEDBACK_LEVEL_VERDICT);
  EXPECT_EQ(submission.old_earned_points(), 2.7);
  EXPECT_EQ(submission.old_possible_points(), 4);
  EXPECT_EQ(submission.new_earned_points(), 1.3);
  EXPECT_EQ(submission.new_possible_points(), 4);
  ASSERT_EQ(submission.items_size(), 2);
  EXPECT_EQ(ToText(submission.items(0)),
            "id: \"a\" "
            "before { verdict: VERDICT_CORRECT earned_points: 2 possible_points: 2 } "
            "after { verdict: VERDICT_PARTLY_CORRECT earned_points: 0.5 possible_points: 2 } "
            "counted_points: 0.5");
  EXPECT_EQ(submission.items(1).id(), "b");
  EXPECT_EQ(submission.items(1).counted_points(), 0.1);
  EXPECT_EQ(report.lowered_count(), 1);
  EXPECT_EQ(report.raised_count(), 0);
}

TEST(RegradeTest, NeverLowerKeepsTheLargerScoreOfEachItem) {
  const v1::RegradeReport report = Regrade(kBefore, kAfter, LoweredScore::kKeepsTheOld);
  EXPECT_TRUE(report.never_lower());
  const v1::RegradedSubmission& submission = report.submissions(0);
  // 2 + 0.1 + 0.7, where a sum of doubles has 2.8000000000000003.
  EXPECT_EQ(submission.new_earned_points(), 2.8);
  ASSERT_EQ(submission.items_size(), 2);
  // The judgement is the new one all the same.
  EXPECT_EQ(submission.items(0).after().earned_points(), 0.5);
  EXPECT_EQ(submission.items(0).counted_points(), 2);
  EXPECT_EQ(submission.items(1).counted_points(), 0.1);
  EXPECT_EQ(report.raised_count(), 1);
  EXPECT_EQ(report.lowered_count(), 0);
}

TEST(RegradeTest, AChangedVerdictIsAChange) {
  const v1::RegradeReport report = Regrade("items { id: 'a' verdict: VERDICT_MISSING }",
                                           "items { id: 'a' verdict: VERDICT_MALFORMED }");
  EXPECT_EQ(report.submissions(0).items_size(), 1);
  EXPECT_EQ(report.unchanged_count(), 1);
}

TEST(RegradeTest, NothingChanged) {
  const v1::RegradeReport report = Regrade(kBefore, kBefore);
  EXPECT_THAT(report.submissions(0).items(), IsEmpty());
  EXPECT_EQ(report.unchanged_count(), 1);
}

constexpr char kItemGone[] = R"pb(
  earned_points: 1.7
  possible_points: 2
  items { id: "new" verdict: VERDICT_CORRECT earned_points: 1 possible_points: 1 }
  items { id: "c" verdict: VERDICT_PARTLY_CORRECT earned_points: 0.7 possible_points: 1 }
)pb";

TEST(RegradeTest, ItemsOfOneAssignmentOnly) {
  const v1::RegradedSubmission submission = Regrade(kBefore, kItemGone).submissions(0);
  ASSERT_EQ(submission.items_size(), 3);
  EXPECT_EQ(submission.items(0).id(), "new");
  EXPECT_FALSE(submission.items(0).has_before());
  EXPECT_EQ(submission.items(0).counted_points(), 1);
  EXPECT_EQ(submission.items(1).id(), "a");
  EXPECT_FALSE(submission.items(1).has_after());
  EXPECT_EQ(submission.items(1).counted_points(), 0);
  EXPECT_EQ(submission.items(2).id(), "b");
  EXPECT_EQ(submission.new_earned_points(), 1.7);
}

TEST(RegradeTest, NeverLowerKeepsThePointsOfAnItemThatIsGone) {
  const v1::RegradedSubmission submission =
      Regrade(kBefore, kItemGone, LoweredScore::kKeepsTheOld).submissions(0);
  EXPECT_EQ(submission.new_earned_points(), 3.7);
  EXPECT_EQ(submission.items(1).counted_points(), 2);
}

TEST(RegradeTest, TotalsOnly) {
  constexpr char kTwo[] = "earned_points: 2 feedback_level: FEEDBACK_LEVEL_SCORE";
  constexpr char kThree[] = "earned_points: 3 feedback_level: FEEDBACK_LEVEL_SCORE";
  EXPECT_EQ(Regrade(kThree, kTwo).submissions(0).new_earned_points(), 2);
  EXPECT_EQ(Regrade(kThree, kTwo).lowered_count(), 1);
  const v1::RegradeReport kept = Regrade(kThree, kTwo, LoweredScore::kKeepsTheOld);
  EXPECT_EQ(kept.submissions(0).new_earned_points(), 3);
  EXPECT_EQ(kept.unchanged_count(), 1);
  EXPECT_EQ(Regrade(kTwo, kThree, LoweredScore::kKeepsTheOld).raised_count(), 1);
}

TEST(RegradeTest, CountsEverySubmission) {
  RegradeReportBuilder builder(Named("old"), Named("new"), LoweredScore::kCounts);
  const auto points = [](const std::string& earned) {
    return FromText<v1::GradeReport>("earned_points: " + earned);
  };
  builder.Add(points("1"), points("1.001"));
  builder.Add(points("1"), points("0.999"));
  builder.Add(points("1"), points("2"));
  builder.Add(points("1"), points("1"));
  EXPECT_EQ(builder.report().raised_count(), 2);
  EXPECT_EQ(builder.report().lowered_count(), 1);
  EXPECT_EQ(builder.report().unchanged_count(), 1);
  EXPECT_EQ(builder.report().submissions_size(), 4);
}

}  // namespace
}  // namespace gradus
