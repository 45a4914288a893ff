// LintAssignment over a real socket: on the homework that the project began with, and on what is no
// assignment.

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

#include "client/lint_command.h"
#include "tests/client/capture.h"
#include "tests/support/project_file.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

constexpr char kHomework[] = "examples/homework/homework.txtpb";

v1::LintAssignmentResponse Linted(TestServer& server, const v1::Assignment& assignment) {
  v1::LintAssignmentRequest request;
  *request.mutable_assignment() = assignment;
  TestContext context;
  v1::LintAssignmentResponse response;
  const grpc::Status status = server.grading().LintAssignment(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

// The share of an item's points that a paper earns which answers it alone.
double CreditOf(TestServer& server, const v1::Assignment& assignment, const std::string& item,
                const std::vector<std::string>& numbers) {
  v1::GradeRequest request;
  *request.mutable_assignment() = assignment;
  v1::Answer* answer = request.mutable_submission()->add_answers();
  answer->set_item(item);
  answer->mutable_text()->mutable_values()->Add(numbers.begin(), numbers.end());
  TestContext context;
  v1::GradeResponse response;
  const grpc::Status status = server.grading().Grade(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  for (const v1::ItemReport& report : response.report().items()) {
    if (report.id() == item) return report.earned_points() / report.possible_points();
  }
  ADD_FAILURE() << "no item " << item;
  return 0;
}

bool IsAccepted(const v1::LintFinding& finding, const std::string& code) {
  const auto& others = finding.also_accepted();
  return finding.code() == code || std::find(others.begin(), others.end(), code) != others.end();
}

// The items that would take this wrong answer.
std::vector<std::string> ItemsThatAccept(const v1::LintAssignmentResponse& response,
                                         const std::string& code) {
  std::vector<std::string> items;
  for (const v1::LintFinding& finding : response.findings()) {
    if (IsAccepted(finding, code)) items.push_back(finding.item());
  }
  return items;
}

// As it is, only what a step changes by less than its digits show is left.
TEST(LintTest, TheHomework) {
  TestServer server;
  const auto homework = FromFile<v1::Assignment>(kHomework);
  const v1::LintAssignmentResponse response = Linted(server, homework);
  for (const char* code : {"zeros", "ones", "negated_key", "scaled_key", "weak"}) {
    EXPECT_THAT(ItemsThatAccept(response, code), ::testing::IsEmpty()) << code;
  }
  EXPECT_THAT(ItemsThatAccept(response, "unchanged_parameters"),
              ::testing::ElementsAre("w1'", "w2'", "w3'"));
  EXPECT_EQ(CreditOf(server, homework, "w1'", {"0.150"}), 1);
  EXPECT_EQ(CreditOf(server, homework, "w5'", {"0.400"}), 0);
}

// The homework if nobody had thought of its digits.
v1::Assignment WithoutDigits() {
  auto homework = FromFile<v1::Assignment>(kHomework);
  for (v1::Item& item : *homework.mutable_items()) item.clear_required_digits();
  homework.mutable_policy()->clear_required_digits();
  homework.mutable_policy()->mutable_tolerance()->set_relative(0);
  homework.mutable_policy()->mutable_tolerance()->set_absolute(0.001);
  return homework;
}

TEST(LintTest, TheHomeworkWithoutDigits) {
  TestServer server;
  const v1::Assignment homework = WithoutDigits();
  const v1::LintAssignmentResponse response = Linted(server, homework);
  EXPECT_GT(response.tried_count(), 400);
  EXPECT_GT(response.accepted_count(), 0);
  for (const v1::LintFinding& finding : response.findings()) {
    EXPECT_NE(finding.item(), "") << finding.code();
    EXPECT_NE(finding.code(), "right_paper_accused") << finding.item();
    EXPECT_NE(finding.code(), "unreliable") << finding.item();
  }
  // What it says is what the grader does.
  EXPECT_THAT(ItemsThatAccept(response, "zeros"),
              ::testing::ElementsAre("softmax: dL/dW", "logistic: dL/dW"));
  EXPECT_GT(CreditOf(server, homework, "softmax: dL/dW", std::vector<std::string>(6, "0.00")), 0);
  EXPECT_GT(CreditOf(server, homework, "logistic: dL/dW", std::vector<std::string>(3, "0.00")), 0);
  EXPECT_EQ(CreditOf(server, homework, "dL/db2", {"0.00"}), 0);
  EXPECT_EQ(CreditOf(server, homework, "softmax: loss", {"1.00"}), 1);
  EXPECT_THAT(ItemsThatAccept(response, "ones"), ::testing::Contains("softmax: loss"));
  // The derivatives by w1 to w4 are below 0.005, and a step of half of them cannot be seen either.
  const auto weak = ItemsThatAccept(response, "weak");
  EXPECT_THAT(weak, ::testing::IsSupersetOf({"dL/dw1", "dL/dw2", "dL/dw3", "dL/dw4", "w1'"}));
  EXPECT_EQ(CreditOf(server, homework, "dL/dw1", {"0.00"}), 1);
}

// Four decimals and a smaller tolerance are the most that it says would do.
TEST(LintTest, WhatItSaysWouldDoDoes) {
  TestServer server;
  v1::Assignment homework = WithoutDigits();
  const v1::LintAssignmentResponse before = Linted(server, homework);
  for (const v1::LintFinding& finding : before.findings()) {
    EXPECT_THAT(finding.message(), ::testing::ContainsRegex("ask for [34] decimals"));
  }
  v1::Tolerance& tolerance = *homework.mutable_policy()->mutable_tolerance();
  tolerance.set_absolute(0);
  homework.mutable_policy()->mutable_required_digits()->set_decimals(4);
  const v1::LintAssignmentResponse response = Linted(server, homework);
  EXPECT_THAT(response.findings(), ::testing::IsEmpty()) << response.findings(0).ShortDebugString();
  EXPECT_GT(response.tried_count(), 500);
}

TEST(LintTest, TheClientPrintsTheSameFromAnyServer) {
  TestServer server;
  LintOptions options;
  options.assignment = ProjectFile(kHomework);
  const Outcome here = Capture([&] { return RunLint(options); });
  options.connection.server = server.address();
  const Outcome there = Capture([&] { return RunLint(options); });
  EXPECT_EQ(there.code, ExitCode::kDone);
  EXPECT_EQ(there.error, "");
  EXPECT_EQ(there.output, here.output);
}

// The path of the field that an error is about.
std::string FieldOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::BadRequest bad_request;
  if (!details.ParseFromString(status.error_details()) || details.details().empty() ||
      !details.details(0).UnpackTo(&bad_request) || bad_request.field_violations().empty()) {
    return "";
  }
  return bad_request.field_violations(0).field();
}

TEST(LintTest, WhatIsNoAssignmentIsRefused) {
  TestServer server;
  v1::LintAssignmentRequest request;
  v1::LintAssignmentResponse response;
  {
    TestContext context;
    const grpc::Status status = server.grading().LintAssignment(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(status.error_message(), "assignment: unset");
    EXPECT_EQ(FieldOf(status), "assignment");
  }
  *request.mutable_assignment() = FromFile<v1::Assignment>(kHomework);
  request.mutable_assignment()->mutable_items(3)->set_quantity("grad(W9)");
  {
    TestContext context;
    const grpc::Status status = server.grading().LintAssignment(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(status.error_message(),
              "items[3].quantity 'z_h2': no input, parameter or node is named 'W9'");
    EXPECT_EQ(FieldOf(status), "items[3].quantity");
  }
}

}  // namespace
}  // namespace gradus::testing
