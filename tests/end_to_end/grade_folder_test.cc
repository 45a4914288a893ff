// A folder of submissions, graded by the command over a real socket.

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "client/grade_command.h"
#include "fmt/format.h"
#include "server/files/json.h"
#include "server/files/message_file.h"
#include "tests/client/capture.h"
#include "tests/support/project_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_server.h"

namespace gradus::testing {
namespace {

std::string Homework(const std::string& path) { return ProjectFile("examples/homework/" + path); }

class GradeFolderTest : public ::testing::Test {
 protected:
  GradeFolderTest() {
    options_.assignment = Homework("homework.txtpb");
    options_.connection.server = server_.address();
    options_.json = true;
  }

  // The report of one file as the unary call gives it, in JSON.
  std::string ReportOf(const std::string& file) {
    v1::GradeRequest request;
    EXPECT_TRUE(ReadMessageFile(options_.assignment, request.mutable_assignment()).ok());
    EXPECT_TRUE(ReadMessageFile(file, request.mutable_submission()).ok());
    TestContext context;
    v1::GradeResponse response;
    EXPECT_TRUE(server_.grading().Grade(&context, request, &response).ok());
    return *ToJson(response.report(), JsonFields::kAll);
  }

  TestServer server_;
  GradeOptions options_;
};

TEST_F(GradeFolderTest, ReportsAreThoseOfGradeInTheOrderOfNames) {
  options_.submissions = {Homework("submissions")};
  std::string expected = "[\n";
  for (const std::string name : {"as_recognised", "exact", "formulas", "paper", "planted_error"}) {
    if (expected != "[\n") expected += ",\n";
    expected += ReportOf(Homework("submissions/" + name + ".txtpb"));
  }
  expected += "]\n";
  const Outcome outcome = Capture([this] { return RunGrade(options_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(outcome.output, expected);
}

// Many more than are on their way at a time, a few of them unreadable or refused.
TEST_F(GradeFolderTest, ALargeFolder) {
  const TemporaryFolder folder;
  const std::vector<std::string> names = {"paper", "as_recognised", "planted_error"};
  std::vector<std::string> ids;
  std::string expected;
  std::string expected_error;
  for (int i = 0; i < 700; ++i) {
    v1::Submission submission;
    ASSERT_TRUE(
        ReadMessageFile(Homework("submissions/" + names[static_cast<size_t>(i) % 3] + ".txtpb"),
                        &submission)
            .ok());
    const std::string name = fmt::format("{:04}.binpb", i);
    if (i % 100 == 50) {
      const std::string path = folder.Write(name, "");
      expected_error += fmt::format("gradus: {}: the file is empty\n", path);
    } else if (i % 100 == 70) {
      submission.set_id(std::string(300, 'x'));
      const std::string path = folder.Write(name, submission.SerializeAsString());
      expected_error +=
          fmt::format("gradus: {}: submission.id: longer than 256 characters\n", path);
    } else {
      // Nobody has an id of its own.
      submission.clear_id();
      const std::string path = folder.Write(name, submission.SerializeAsString());
      const char* points[] = {"73", "69", "69.5"};
      expected +=
          fmt::format("{}{}: {} / 73 points\n", expected.empty() ? "" : "\n", path, points[i % 3]);
    }
  }
  // The level SCORE keeps reports to one line.
  v1::Assignment assignment;
  ASSERT_TRUE(ReadMessageFile(options_.assignment, &assignment).ok());
  assignment.mutable_policy()->set_feedback_level(v1::FEEDBACK_LEVEL_SCORE);
  const TemporaryFolder assignments;
  options_.assignment = assignments.Write("score.binpb", assignment.SerializeAsString());
  options_.submissions = {folder.PathOf("")};
  options_.json = false;
  const Outcome outcome = Capture([this] { return RunGrade(options_); });
  EXPECT_EQ(outcome.code, ExitCode::kPartlyGraded);
  EXPECT_EQ(outcome.error, expected_error);
  // "not gradable" is the second line of the report on the planted error.
  std::string output = outcome.output;
  const std::string note = "  not gradable: an answer is malformed, this should cost no attempt\n";
  for (size_t at = output.find(note); at != std::string::npos; at = output.find(note, at)) {
    output.erase(at, note.size());
  }
  EXPECT_EQ(output, expected);
}

}  // namespace
}  // namespace gradus::testing
