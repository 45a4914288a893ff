#include "server/grading/grader.h"

#include <atomic>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// h = x = (1, 2, 3), L = sum h = 6; three thirds of a point for h.
v1::Assignment SmallAssignment() {
  return FromText<v1::Assignment>(R"pb(
    name: "small"
    problems {
      name: "p"
      problem {
        network {
          inputs { name: "x" }
          nodes {
            name: "h"
            inputs: "x"
            identity {}
          }
          nodes {
            name: "L"
            inputs: "h"
            sum {}
          }
          nodes {
            name: "huge"
            inputs: "h"
            scale { factor: 1e308 }
          }
        }
        inputs {
          name: "x"
          tensor {
            shape: 3
            values: [ 1, 2, 3 ]
          }
        }
        objective: "L"
      }
    }
    items { id: "L" quantity: "L" points: 2 }
    items { id: "h" quantity: "h" }
    policy { tolerance { relative: 0 absolute: 0.01 } }
  )pb");
}

v1::GradeReport GradeOf(const v1::Assignment& assignment, const std::string& submission) {
  const std::atomic<bool> cancelled = false;
  const auto compiled = CompiledAssignment::Compile(assignment, Limits(), cancelled);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return *GradeSubmission(*compiled, FromText<v1::Submission>(submission), cancelled);
}

TEST(GraderTest, RightAnswers) {
  const auto report = GradeOf(SmallAssignment(), R"pb(
    id: "s1"
    answers {
      item: "h"
      tensor {
        shape: 3
        values: [ 1, 2.01, 2.99 ]
      }
    }
    answers {
      item: "L"
      text { values: "6.0" }
    }
  )pb");
  EXPECT_EQ(report.assignment(), "small");
  EXPECT_EQ(report.submission_id(), "s1");
  EXPECT_EQ(report.earned_points(), 3);
  EXPECT_EQ(report.possible_points(), 3);
  EXPECT_TRUE(report.gradable());
  ASSERT_THAT(report.items(), SizeIs(2));
  EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_CORRECT);
  EXPECT_THAT(report.items(0).message(), IsEmpty());
  EXPECT_THAT(report.items(0).elements(), IsEmpty());
  EXPECT_EQ(report.items(1).verdict(), v1::VERDICT_CORRECT);
  EXPECT_THAT(report.items(1).elements(),
              ElementsAre(v1::VERDICT_CORRECT, v1::VERDICT_CORRECT, v1::VERDICT_CORRECT));
  EXPECT_THAT(report.first_wrong_item(), IsEmpty());
}

TEST(GraderTest, ElementsHaveEqualShares) {
  const auto report = GradeOf(SmallAssignment(), R"pb(
    answers {
      item: "h"
      text { values: [ "1", "2.02", "3" ] }
    }
  )pb");
  EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_MISSING);
  EXPECT_EQ(report.items(0).message(), "not answered");
  EXPECT_EQ(report.items(1).verdict(), v1::VERDICT_PARTLY_CORRECT);
  EXPECT_EQ(report.items(1).message(), "some elements are not right");
  EXPECT_EQ(report.items(1).earned_points(), 0.667);  // two thirds, half up to a thousandth
  EXPECT_EQ(report.earned_points(), 0.667);
  EXPECT_EQ(report.possible_points(), 3);
  EXPECT_TRUE(report.gradable());
  EXPECT_EQ(report.first_wrong_item(), "h");
}

TEST(GraderTest, AllOrNothing) {
  v1::Assignment assignment = SmallAssignment();
  assignment.mutable_policy()->set_credit(v1::CREDIT_ALL_OR_NOTHING);
  const auto report = GradeOf(assignment, R"pb(
    answers {
      item: "h"
      text { values: [ "1", "2.02", "3" ] }
    }
    answers {
      item: "L"
      text { values: "6" }
    }
  )pb");
  EXPECT_EQ(report.items(1).verdict(), v1::VERDICT_PARTLY_CORRECT);
  EXPECT_EQ(report.items(1).earned_points(), 0);
  EXPECT_EQ(report.earned_points(), 2);
}

// 0.1 ten times is 1, also in binary.
TEST(GraderTest, PointsAddUpExactly) {
  v1::Assignment assignment = SmallAssignment();
  assignment.clear_items();
  std::string answers;
  for (int i = 0; i < 10; ++i) {
    v1::Item* item = assignment.add_items();
    item->set_id("i" + std::to_string(i));
    item->set_quantity("L");
    item->set_points(0.1);
    answers += "answers { item: 'i" + std::to_string(i) + "' text { values: '6' } }";
  }
  EXPECT_EQ(GradeOf(assignment, answers).earned_points(), 1.0);
}

TEST(GraderTest, FirstWrongItemIsFirstInTheComputation) {
  const auto report = GradeOf(SmallAssignment(), R"pb(
    answers {
      item: "L"
      text { values: "9" }
    }
    answers {
      item: "h"
      text { values: [ "1", "2", "4" ] }
    }
  )pb");
  EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_INCORRECT);
  EXPECT_EQ(report.items(0).message(), "does not follow from your earlier numbers");
  EXPECT_EQ(report.first_wrong_item(), "h");
  ASSERT_THAT(report.findings(), SizeIs(2));
  EXPECT_EQ(report.findings(0).places(0).quantity(), "h");
  EXPECT_EQ(report.findings(1).places(0).quantity(), "L");
}

TEST(GraderTest, MalformedIsNotGradableAndLeavesTheRest) {
  const auto report = GradeOf(SmallAssignment(), R"pb(
    answers {
      item: "h"
      tensor {
        shape: 3
        values: [ 1, nan, 3 ]
      }
    }
    answers {
      item: "L"
      text { values: "six" }
    }
  )pb");
  EXPECT_FALSE(report.gradable());
  EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_MALFORMED);
  EXPECT_EQ(report.items(0).message(), "'six' is not a number");
  EXPECT_EQ(report.items(1).verdict(), v1::VERDICT_PARTLY_CORRECT);
  EXPECT_THAT(report.items(1).elements(),
              ElementsAre(v1::VERDICT_CORRECT, v1::VERDICT_MALFORMED, v1::VERDICT_CORRECT));
  EXPECT_EQ(report.earned_points(), 0.667);
  EXPECT_THAT(report.first_wrong_item(), IsEmpty());
}

TEST(GraderTest, AnsweredTwiceIsMalformedEvenIfRight) {
  const auto report = GradeOf(SmallAssignment(), R"pb(
    answers {
      item: "L"
      text { values: "6" }
    }
    answers {
      item: "L"
      text { values: "6" }
    }
  )pb");
  EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_MALFORMED);
  EXPECT_EQ(report.items(0).message(), "answered 2 times");
  EXPECT_EQ(report.earned_points(), 0);
  EXPECT_FALSE(report.gradable());
}

TEST(GraderTest, UnexpectedAnswersAreListedAndEarnNothing) {
  std::string answers = "answers { item: 'grad(L)' text { values: '1' } }";
  const std::string long_name = std::string(127, 'a') + "\xc3\xa9";  // é across the cut
  answers += "answers { item: '" + long_name + "' text { values: '1' } }";
  for (int i = 0; i < 20; ++i) answers += "answers { item: 'q' }";
  const auto report = GradeOf(SmallAssignment(), answers);
  ASSERT_THAT(report.unexpected(), SizeIs(16));
  EXPECT_EQ(report.unexpected(0), "grad(L)");
  EXPECT_EQ(report.unexpected(1), std::string(127, 'a'));
  EXPECT_EQ(report.earned_points(), 0);
  EXPECT_TRUE(report.gradable());
}

TEST(GraderTest, AnUnreliableReferenceLeavesBothTotals) {
  v1::Assignment assignment = SmallAssignment();
  *assignment.add_items() = FromText<v1::Item>(R"pb(id: "huge" quantity: "huge" points: 5)pb");
  const auto report = GradeOf(assignment, R"pb(
    answers {
      item: "L"
      text { values: "6" }
    }
    answers {
      item: "huge"
      tensor {
        shape: 3
        values: [ 1, 2, 3 ]
      }
    }
  )pb");
  EXPECT_EQ(report.items(2).verdict(), v1::VERDICT_UNRELIABLE);
  EXPECT_EQ(report.earned_points(), 2);
  EXPECT_EQ(report.possible_points(), 3);
}

// Former bug: the default tolerance is a share of the tensor's largest magnitude, and an infinity
// there made every answer right.
TEST(GraderTest, AnInfinityBesideAnElementWidensNothing) {
  v1::Assignment assignment = SmallAssignment();
  assignment.mutable_policy()->clear_tolerance();
  // 1e308 times 1 is finite, times 2 and 3 it is not.
  *assignment.add_items() = FromText<v1::Item>(R"pb(id: "huge" quantity: "huge[0]")pb");
  const auto wrong = GradeOf(assignment, "answers { item: 'huge' text { values: '12345' } }");
  EXPECT_EQ(wrong.items(2).verdict(), v1::VERDICT_INCORRECT);
  const auto right = GradeOf(assignment, "answers { item: 'huge' text { values: '1e308' } }");
  EXPECT_EQ(right.items(2).verdict(), v1::VERDICT_CORRECT);
}

TEST(GraderTest, AnEmptySubmissionIsGraded) {
  const auto report = GradeOf(SmallAssignment(), "");
  EXPECT_EQ(report.earned_points(), 0);
  EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_MISSING);
  EXPECT_TRUE(report.gradable());
}

}  // namespace
}  // namespace gradus
