// The homework that the project began with, graded over a real socket.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kFolder[] = "examples/homework/";

v1::Assignment Homework() {
  return FromFile<v1::Assignment>(std::string(kFolder) + "homework.txtpb");
}

v1::Submission SubmissionOf(const std::string& name) {
  return FromFile<v1::Submission>(kFolder + ("submissions/" + name + ".txtpb"));
}

v1::GradeReport GradeOf(const v1::Assignment& assignment, const v1::Submission& submission) {
  static TestServer& server = *new TestServer();
  TestContext context;
  v1::GradeRequest request;
  *request.mutable_assignment() = assignment;
  *request.mutable_submission() = submission;
  v1::GradeResponse response;
  const grpc::Status status = server.grading().Grade(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.report();
}

v1::GradeReport GradeOf(const v1::Assignment& assignment, const std::string& submission) {
  return GradeOf(assignment, SubmissionOf(submission));
}

// Ids of the items with a verdict, in the order of the report.
std::vector<std::string> ItemsWith(const v1::GradeReport& report, v1::Verdict verdict) {
  std::vector<std::string> ids;
  for (const v1::ItemReport& item : report.items()) {
    if (item.verdict() == verdict) ids.push_back(item.id());
  }
  return ids;
}

// Where root errors are, each with the items that show it: "slope(h): sigma'(z_h1)".
std::vector<std::string> Roots(const v1::GradeReport& report) {
  std::vector<std::string> roots;
  for (const v1::Finding& finding : report.findings()) {
    for (const v1::Place& place : finding.places()) {
      std::string& root = roots.emplace_back(place.quantity() + ":");
      for (const std::string& item : place.items()) root += " " + item;
    }
  }
  return roots;
}

TEST(HomeworkTest, HasTheItemsOfThePaper) {
  std::map<std::string, int> count;
  const v1::Assignment homework = Homework();
  for (const v1::Item& item : homework.items()) ++count[item.problem()];
  EXPECT_EQ(count["problem_1"], 54);
  EXPECT_EQ(count["problem_2"], 4);
}

TEST(HomeworkTest, TheProblemsAreThoseOfTheirOwnFiles) {
  const v1::Assignment homework = Homework();
  for (const v1::NamedProblem& named : homework.problems()) {
    const auto file = FromFile<v1::Problem>(kFolder + named.name() + ".txtpb");
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(named.problem(), file))
        << named.name();
  }
}

TEST(HomeworkTest, ThePaperIsRight) {
  const v1::GradeReport report = GradeOf(Homework(), "paper");
  EXPECT_EQ(report.earned_points(), 73);
  EXPECT_EQ(report.possible_points(), 73);
  EXPECT_TRUE(report.gradable());
  EXPECT_THAT(report.first_wrong_item(), IsEmpty());
  EXPECT_THAT(report.unexpected(), IsEmpty());
}

// Whatever is one number may be answered in letters, also the derivatives of problem 2 in other
// ones than the paper's.
TEST(HomeworkTest, FormulasAreRight) {
  const v1::GradeReport report = GradeOf(Homework(), "formulas");
  EXPECT_THAT(ItemsWith(report, v1::VERDICT_CORRECT), SizeIs(Homework().items_size()));
  EXPECT_EQ(report.earned_points(), 73);
  EXPECT_TRUE(report.gradable());
}

// The letters are those of its own item: each answer of problem 2, given to the next item, is
// wrong.
TEST(HomeworkTest, FormulasOfOtherItemsAreWrong) {
  for (const std::string name : {"paper", "formulas"}) {
    v1::Submission submission = SubmissionOf(name);
    std::vector<v1::Answer*> deltas;
    for (v1::Answer& answer : *submission.mutable_answers()) {
      if (answer.item().starts_with("delta_")) deltas.push_back(&answer);
    }
    ASSERT_THAT(deltas, SizeIs(4));
    for (size_t i = 3; i > 0; --i) deltas[i]->set_formula(deltas[i - 1]->formula());
    const v1::GradeReport report = GradeOf(Homework(), submission);
    EXPECT_THAT(ItemsWith(report, v1::VERDICT_INCORRECT),
                ElementsAre("delta_2", "delta_3", "delta_4"))
        << name;
    EXPECT_EQ(report.earned_points(), 67) << name;
  }
}

// The window of what was rounded does not depend on the tolerance.
TEST(HomeworkTest, ThePaperIsRightWithoutTolerance) {
  v1::Assignment homework = Homework();
  v1::Tolerance* tolerance = homework.mutable_policy()->mutable_tolerance();
  tolerance->set_absolute(1e-14);
  tolerance->set_relative(1e-12);
  for (v1::Item& item : *homework.mutable_items()) item.clear_tolerance();
  EXPECT_EQ(GradeOf(homework, "exact").earned_points(), 73);
  const v1::GradeReport paper = GradeOf(homework, "paper");
  EXPECT_EQ(paper.earned_points(), 73);
  EXPECT_THAT(paper.findings(), IsEmpty());
}

TEST(HomeworkTest, WhatTheRecogniserMisreadIsWrong) {
  const v1::GradeReport report = GradeOf(Homework(), "as_recognised");
  EXPECT_THAT(ItemsWith(report, v1::VERDICT_INCORRECT),
              ElementsAre("exp(-o1)", "sigma'(z_h1)", "sigma'(z_h2)", "w1'"));
  EXPECT_THAT(Roots(report),
              ElementsAre(": exp(-o1)", "slope(h): sigma'(z_h1) sigma'(z_h2)", "next(W1): w1'"));
  EXPECT_THAT(ItemsWith(report, v1::VERDICT_CARRIED), IsEmpty());
  EXPECT_EQ(report.earned_points(), 69);
}

TEST(HomeworkTest, WhatFollowsFromThePlantedErrorIsCarried) {
  const v1::GradeReport report = GradeOf(Homework(), "planted_error");
  EXPECT_EQ(report.first_wrong_item(), "dL/dz_h1");
  EXPECT_THAT(Roots(report), ElementsAre("grad(z_h): dL/dz_h1 dL/dz_h2"));
  EXPECT_THAT(ItemsWith(report, v1::VERDICT_INCORRECT), ElementsAre("dL/dz_h1", "dL/dz_h2"));
  EXPECT_THAT(ItemsWith(report, v1::VERDICT_CARRIED),
              ElementsAre("dL/dw1", "dL/dw2", "dL/dw3", "dL/dw4", "dL/db1", "w1'", "w2'", "w3'",
                          "w4'", "b1'"));
  EXPECT_THAT(ItemsWith(report, v1::VERDICT_MISSING), ElementsAre("logistic: loss"));
  EXPECT_THAT(ItemsWith(report, v1::VERDICT_MALFORMED), ElementsAre("boundary: logistic yhat"));
  // 73 less two roots, the missing answer, and the half point of the one that cannot be read.
  EXPECT_EQ(report.earned_points(), 69.5);
  EXPECT_FALSE(report.gradable());
}

// Problem 3: a softmax over two classes and the logistic unit with w = w2 - w1, b = b2 - b1 are the
// same.
TEST(HomeworkTest, SoftmaxOfTwoClassesEqualsALogisticUnit) {
  TestServer server;
  const auto trace_of = [&](const std::string& name) {
    TestContext context;
    v1::BackwardRequest request;
    *request.mutable_problem() = FromFile<v1::Problem>(kFolder + name + ".txtpb");
    v1::BackwardResponse response;
    EXPECT_TRUE(server.gradient().Backward(&context, request, &response).ok());
    std::map<std::string, v1::Tensor> trace;
    for (const auto& entry : response.trace().entries()) trace[entry.address()] = entry.tensor();
    return trace;
  };
  auto softmax = trace_of("problem_3_softmax");
  auto logistic = trace_of("problem_3_logistic");
  for (int n = 0; n < 3; ++n) {
    EXPECT_NEAR(softmax["yhat"].values(2 * n + 1), logistic["yhat"].values(n), 1e-15);
    for (int k = 0; k < 3; ++k) {
      EXPECT_NEAR(softmax["grad(x)"].values(3 * n + k), logistic["grad(x)"].values(3 * n + k),
                  1e-15);
    }
  }
  EXPECT_NEAR(softmax["L"].values(0), logistic["L"].values(0), 1e-15);
  for (int k = 0; k < 3; ++k) {
    EXPECT_NEAR(softmax["grad(W)"].values(3 + k), logistic["grad(W)"].values(k), 1e-15);
    EXPECT_NEAR(softmax["grad(W)"].values(k), -logistic["grad(W)"].values(k), 1e-15);
  }
}

}  // namespace
}  // namespace gradus::testing
