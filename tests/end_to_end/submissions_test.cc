// Submissions of the independent oracle, with the verdicts that it states, graded over a real
// socket.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <nlohmann/json.hpp>

#include "tests/support/project_file.h"
#include "tests/support/test_server.h"
#include "tests/support/vector.h"

namespace gradus::testing {

// A submission of the oracle.
struct OracleSubmission {
  nlohmann::json content;
};

// How gtest names a submission in a message.
void PrintTo(const OracleSubmission& submission, std::ostream* out) {
  *out << submission.content.at("name");
}

namespace {

using ::nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;

json ReadJson(const std::string& path) {
  const std::filesystem::path full = ProjectFile(path);
  std::ifstream file(full);
  if (!file) throw std::runtime_error("cannot read " + full.string());
  return json::parse(file);
}

std::vector<OracleSubmission> LoadSubmissions() {
  std::set<std::filesystem::path> paths;
  const std::string folder = ProjectFile("tests/golden/submissions");
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") paths.insert(entry.path());
  }
  std::vector<OracleSubmission> submissions;
  for (const auto& path : paths) {
    submissions.push_back({ReadJson("tests/golden/submissions/" + path.filename().string())});
  }
  return submissions;
}

// The oracle's name for a quantity, "gradient:fc1.W", as an address.
std::string AddressOf(const std::string& name) {
  const size_t colon = name.find(':');
  if (colon == std::string::npos) return name;
  const std::string group = name.substr(0, colon);
  std::string rest = name.substr(colon + 1);
  if (group == "forward") return rest;
  if (group == "gradient") return "grad(" + rest + ")";
  if (group == "params_after") return "next(" + rest + ")";
  throw std::runtime_error("the oracle has no " + group);
}

Names AddressesIn(const json& names) {
  Names addresses;
  for (const json& name : names) addresses.push_back(AddressOf(name));
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

// The network, with an item for each quantity that the oracle lists; the address is the id.
v1::Assignment AssignmentFor(const json& submission) {
  v1::Assignment assignment;
  assignment.set_name(submission.at("name"));
  const std::string network = submission.at("network");
  v1::NamedProblem* problem = assignment.add_problems();
  problem->set_name("network");
  *problem->mutable_problem() =
      LoadVector(ReadJson("tests/golden/vectors/" + network + ".json")).problem;
  const json& expected = submission.at("expected");
  for (const char* verdict : {"correct", "carried", "roots", "missing"}) {
    for (const std::string& address : AddressesIn(expected.value(verdict, json::array()))) {
      v1::Item* item = assignment.add_items();
      item->set_id(address);
      item->set_quantity(address);
    }
  }
  assignment.mutable_policy()->set_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
  return assignment;
}

void AddAnswer(const std::string& address, const json& tensor, v1::Submission& submission) {
  v1::Answer* answer = submission.add_answers();
  answer->set_item(address);
  for (const json& length : tensor.at("shape")) answer->mutable_tensor()->add_shape(length);
  for (const json& number : tensor.at("data")) answer->mutable_tensor()->add_values(number);
}

v1::Submission SubmissionFrom(const json& written) {
  v1::Submission submission;
  submission.set_id(written.at("name"));
  const json& student = written.at("student");
  const std::map<std::string, std::string> groups = {
      {"forward", "forward:"}, {"gradients", "gradient:"}, {"params_after", "params_after:"}};
  for (const auto& [group, prefix] : groups) {
    for (const auto& [name, tensor] : student.at(group).items()) {
      AddAnswer(AddressOf(prefix + name), tensor, submission);
    }
  }
  const json loss = {{"shape", json::array()}, {"data", json::array({student.at("loss")})}};
  AddAnswer("loss", loss, submission);
  if (written.contains("declared_decimals")) {
    submission.mutable_declared_digits()->set_decimals(written.at("declared_decimals"));
  }
  return submission;
}

Names ItemsWith(const v1::GradeReport& report, const std::set<v1::Verdict>& verdicts) {
  Names ids;
  for (const v1::ItemReport& item : report.items()) {
    if (verdicts.contains(item.verdict())) ids.push_back(item.id());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

class SubmissionsTest : public ::testing::TestWithParam<OracleSubmission> {
 protected:
  static v1::GradeReport Grade(const json& submission) {
    static TestServer& server = *new TestServer();
    TestContext context;
    v1::GradeRequest request;
    *request.mutable_assignment() = AssignmentFor(submission);
    *request.mutable_submission() = SubmissionFrom(submission);
    request.set_max_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
    v1::GradeResponse response;
    const grpc::Status status = server.grading().Grade(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.report();
  }
};

TEST_P(SubmissionsTest, GetsTheVerdictsOfTheOracle) {
  const json& expected = GetParam().content.at("expected");
  const v1::GradeReport report = Grade(GetParam().content);
  Names roots;
  for (const v1::Finding& finding : report.findings()) {
    for (const v1::Place& place : finding.places()) roots.push_back(place.quantity());
  }
  std::sort(roots.begin(), roots.end());
  EXPECT_THAT(roots, ElementsAreArray(AddressesIn(expected.at("roots"))));
  EXPECT_THAT(ItemsWith(report, {v1::VERDICT_CORRECT}),
              ElementsAreArray(AddressesIn(expected.at("correct"))));
  EXPECT_THAT(ItemsWith(report, {v1::VERDICT_CARRIED}),
              ElementsAreArray(AddressesIn(expected.at("carried"))));
  EXPECT_THAT(ItemsWith(report, {v1::VERDICT_INCORRECT, v1::VERDICT_PARTLY_CORRECT}),
              ElementsAreArray(AddressesIn(expected.at("roots"))));
  EXPECT_THAT(ItemsWith(report, {v1::VERDICT_MISSING}),
              ElementsAreArray(AddressesIn(expected.value("missing", json::array()))));
  EXPECT_EQ(report.findings().empty(), expected.at("accept").get<bool>());
  EXPECT_TRUE(report.gradable());
  EXPECT_THAT(report.unexpected(), IsEmpty());
}

TEST_P(SubmissionsTest, GetsTheMistakeOfTheOracle) {
  const std::string mistake = GetParam().content.at("expected").at("mistake");
  const v1::GradeReport report = Grade(GetParam().content);
  if (mistake == "none") {
    EXPECT_THAT(report.findings(), IsEmpty());
    return;
  }
  ASSERT_EQ(report.findings_size(), 1);
  Names codes;
  for (const v1::Mistake& named : report.findings(0).mistakes()) codes.push_back(named.code());
  EXPECT_THAT(codes, Contains(mistake));
}

INSTANTIATE_TEST_SUITE_P(Golden, SubmissionsTest, ::testing::ValuesIn(LoadSubmissions()),
                         [](const ::testing::TestParamInfo<OracleSubmission>& info) {
                           return info.param.content.at("name").get<std::string>();
                         });

}  // namespace
}  // namespace gradus::testing
