#include "server/grading/feedback.h"

#include <atomic>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "server/grading/grade.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using testing::FromText;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The key is 0.123456789 in both items; the answers are wrong, missing and malformed around it.
v1::GradeRequest Request() {
  return FromText<v1::GradeRequest>(R"pb(
    assignment {
      name: "secret"
      problems {
        name: "p"
        problem {
          network {
            inputs { name: "x" }
            nodes {
              name: "h"
              inputs: "x"
              scale { factor: 0.123456789 }
            }
          }
          inputs {
            name: "x"
            tensor {
              shape: 2
              values: [ 1, 1 ]
            }
          }
        }
      }
      items { id: "all" quantity: "h" }
      items { id: "first" quantity: "h[0]" }
      items { id: "second" quantity: "h[1]" }
    }
    submission {
      answers {
        item: "all"
        text { values: [ "0.7", "0.123456789" ] }
      }
      answers {
        item: "first"
        text { values: "x" }
      }
      answers {
        item: "nothing"
        text { values: "1" }
      }
    }
  )pb");
}

v1::GradeReport ReportAt(v1::FeedbackLevel policy, v1::FeedbackLevel caller) {
  v1::GradeRequest request = Request();
  request.mutable_assignment()->mutable_policy()->set_feedback_level(policy);
  request.set_max_feedback_level(caller);
  v1::GradeResponse response;
  const std::atomic<bool> cancelled = false;
  const absl::Status status = Grade(request, v1::FEEDBACK_LEVEL_UNSPECIFIED, AssignmentStore(),
                                    Limits(), cancelled, &response);
  EXPECT_TRUE(status.ok()) << status;
  return response.report();
}

TEST(FeedbackTest, TheLevelIsTheLeastOfPolicyAndCaller) {
  constexpr auto kUnset = v1::FEEDBACK_LEVEL_UNSPECIFIED;
  const auto level = [](v1::FeedbackLevel policy, v1::FeedbackLevel caller) {
    return ReportAt(policy, caller).feedback_level();
  };
  EXPECT_EQ(level(kUnset, kUnset), v1::FEEDBACK_LEVEL_VERDICT);
  EXPECT_EQ(level(kUnset, v1::FEEDBACK_LEVEL_VALUES), v1::FEEDBACK_LEVEL_VERDICT);
  EXPECT_EQ(level(v1::FEEDBACK_LEVEL_VALUES, kUnset), v1::FEEDBACK_LEVEL_VALUES);
  EXPECT_EQ(level(v1::FEEDBACK_LEVEL_VALUES, v1::FEEDBACK_LEVEL_SCORE), v1::FEEDBACK_LEVEL_SCORE);
  EXPECT_EQ(level(v1::FEEDBACK_LEVEL_SCORE, v1::FEEDBACK_LEVEL_VALUES), v1::FEEDBACK_LEVEL_SCORE);
}

TEST(FeedbackTest, ScoreTellsTheTotalOnly) {
  const auto report = ReportAt(v1::FEEDBACK_LEVEL_SCORE, v1::FEEDBACK_LEVEL_UNSPECIFIED);
  EXPECT_EQ(report.earned_points(), 0.5);
  EXPECT_EQ(report.possible_points(), 3);
  EXPECT_THAT(report.items(), IsEmpty());
  EXPECT_THAT(report.unexpected(), IsEmpty());
  EXPECT_THAT(report.first_wrong_item(), IsEmpty());
}

TEST(FeedbackTest, VerdictTellsOfItemsNotOfElements) {
  const auto report = ReportAt(v1::FEEDBACK_LEVEL_VERDICT, v1::FEEDBACK_LEVEL_UNSPECIFIED);
  EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_PARTLY_CORRECT);
  EXPECT_THAT(report.items(0).elements(), IsEmpty());
  EXPECT_EQ(report.items(1).verdict(), v1::VERDICT_MALFORMED);
  EXPECT_EQ(report.items(2).verdict(), v1::VERDICT_MISSING);
  EXPECT_EQ(report.unexpected(0), "nothing");
  EXPECT_THAT(report.first_wrong_item(), IsEmpty());
}

TEST(FeedbackTest, FirstWrongStepNamesItAndTheElements) {
  const auto report = ReportAt(v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP, v1::FEEDBACK_LEVEL_UNSPECIFIED);
  EXPECT_EQ(report.first_wrong_item(), "all");
  EXPECT_THAT(report.items(0).elements(),
              ::testing::ElementsAre(v1::VERDICT_INCORRECT, v1::VERDICT_CORRECT));
}

TEST(FeedbackTest, BelowValuesNoDigitOfTheKeyLeaves) {
  for (const v1::FeedbackLevel level :
       {v1::FEEDBACK_LEVEL_SCORE, v1::FEEDBACK_LEVEL_VERDICT, v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP,
        v1::FEEDBACK_LEVEL_MISTAKE}) {
    const auto report = ReportAt(level, v1::FEEDBACK_LEVEL_UNSPECIFIED);
    EXPECT_THAT(report.DebugString(), Not(HasSubstr("0.12"))) << level;
    for (const v1::ItemReport& item : report.items()) {
      EXPECT_FALSE(item.has_expected());
      EXPECT_FALSE(item.has_submitted());
    }
  }
  const auto values = ReportAt(v1::FEEDBACK_LEVEL_VALUES, v1::FEEDBACK_LEVEL_UNSPECIFIED);
  EXPECT_THAT(values.DebugString(), HasSubstr("0.123456789"));
}

// Below FIRST_WRONG_STEP what follows from an earlier error, and earns nothing here, is like what
// is wrong in itself.
TEST(FeedbackTest, BelowFirstWrongStepWhatEarnsNothingIsNotRight) {
  const auto cut = [](const std::string& item) {
    auto report = FromText<v1::GradeReport>("items { " + item + " }");
    CutToLevel(v1::FEEDBACK_LEVEL_VERDICT, &report);
    return report.DebugString();
  };
  constexpr char kIncorrect[] = R"pb(
    verdict: VERDICT_INCORRECT
    possible_points: 2
    message: "does not follow from your earlier numbers"
    elements: [ VERDICT_INCORRECT, VERDICT_INCORRECT ]
  )pb";
  constexpr char kHollow[] = R"pb(
    verdict: VERDICT_CARRIED
    possible_points: 2
    message: "follows from an earlier error, which leaves nothing to show here"
    elements: [ VERDICT_CARRIED, VERDICT_CARRIED ]
  )pb";
  constexpr char kHollowInPart[] = R"pb(
    verdict: VERDICT_PARTLY_CORRECT
    possible_points: 2
    message: "some elements are not right"
    elements: [ VERDICT_CARRIED, VERDICT_INCORRECT ]
  )pb";
  EXPECT_EQ(cut(kHollow), cut(kIncorrect));
  EXPECT_EQ(cut(kHollowInPart), cut(kIncorrect));

  // With points for each element, and with all or nothing.
  for (const std::string earned : {"earned_points: 1", "earned_points: 0"}) {
    EXPECT_EQ(cut(earned + R"pb(
                verdict: VERDICT_CARRIED
                possible_points: 2
                message: "follows from an earlier error, which leaves nothing to show here"
                elements: [ VERDICT_CORRECT, VERDICT_CARRIED ]
              )pb"),
              cut(earned + R"pb(
                verdict: VERDICT_PARTLY_CORRECT
                possible_points: 2
                message: "some elements are not right"
                elements: [ VERDICT_CORRECT, VERDICT_INCORRECT ]
              )pb"));
  }
}

TEST(GradeTest, RefusesRequestsThatAreNone) {
  const auto message_of = [](const std::function<void(v1::GradeRequest&)>& spoil) {
    v1::GradeRequest request = Request();
    spoil(request);
    v1::GradeResponse response;
    const std::atomic<bool> cancelled = false;
    return Grade(request, v1::FEEDBACK_LEVEL_UNSPECIFIED, AssignmentStore(), Limits(), cancelled,
                 &response)
        .ToString();
  };
  EXPECT_THAT(message_of([](auto& r) { r.clear_source(); }),
              HasSubstr("INVALID_ARGUMENT: assignment: unset"));
  EXPECT_THAT(message_of([](auto& r) { r.clear_submission(); }),
              HasSubstr("INVALID_ARGUMENT: submission: unset"));
  EXPECT_THAT(
      message_of([](auto& r) { r.set_assignment_name("homework"); }),
      HasSubstr("NOT_FOUND: assignment_name: no assignment is named 'homework'; this server holds "
                "none"));
  EXPECT_THAT(message_of([](auto& r) { r.mutable_submission()->set_id(std::string(257, 'i')); }),
              HasSubstr("INVALID_ARGUMENT: submission.id: longer than 256 characters"));
  EXPECT_THAT(
      message_of([](auto& r) { r.set_max_feedback_level(static_cast<v1::FeedbackLevel>(17)); }),
      HasSubstr("INVALID_ARGUMENT: max_feedback_level: 17 is no feedback level"));
}

}  // namespace
}  // namespace gradus
