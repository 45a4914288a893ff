// The commands as a whole, with the server in this process: what they print, and their exit codes.

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "client/compute_command.h"
#include "client/grade_command.h"
#include "client/health_command.h"
#include "tests/client/temporary_folder.h"

namespace gradus {
namespace {

constexpr std::string_view kProblem = R"pb(
  network {
    inputs { name: "x" }
    parameters {
      name: "w"
      value {
        shape: [ 1, 2 ]
        values: [ 3, 4 ]
      }
    }
    nodes {
      name: "y"
      inputs: [ "x", "w" ]
      dense {}
    }
  }
  inputs {
    name: "x"
    tensor {
      shape: 2
      values: [ 1, 2 ]
    }
  }
  objective: "y"
  optimizer { sgd { learning_rate: 0.5 } }
)pb";

// What a command did.
struct Outcome {
  ExitCode code = ExitCode::kDone;
  std::string output;
  std::string error;
};

template <class Command>
Outcome Capture(const Command& command) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = command();
  outcome.output = testing::internal::GetCapturedStdout();
  outcome.error = testing::internal::GetCapturedStderr();
  return outcome;
}

class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    compute_.problem = folder_.Write("problem.txtpb", kProblem);
    grade_.assignment = folder_.Write(
        "assignment.txtpb",
        "name: 'a' problems { name: 'p' problem {" + std::string(kProblem) +
            "} } items { id: 'y' quantity: 'y' } policy { feedback_level: FEEDBACK_LEVEL_SCORE }");
  }

  const TemporaryFolder folder_;
  ComputeOptions compute_;
  GradeOptions grade_;
};

TEST_F(CommandTest, Forward) {
  const Outcome outcome = Capture([this] { return RunCompute(compute_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(outcome.output,
            "quantity  op     shape  value\n"
            "\n"
            "y         dense  [1]    [11]\n");
}

TEST_F(CommandTest, StepShowsWhatIsAskedFor) {
  compute_.computation = Computation::kStep;
  compute_.only = {"next(w)"};
  compute_.pins = {"x=[2, 4]"};
  const Outcome outcome = Capture([this] { return RunCompute(compute_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.output,
            "quantity  op         shape   value\n"
            "\n"
            "next(w)   parameter  [1, 2]  [2  2]\n");
}

TEST_F(CommandTest, BackwardAsJson) {
  compute_.computation = Computation::kBackward;
  compute_.only = {"y"};
  compute_.json = true;
  EXPECT_EQ(Capture([this] { return RunCompute(compute_); }).output,
            R"({
 "trace": {
  "entries": [
   {
    "address": "y",
    "op": "dense",
    "tensor": {
     "shape": [
      "1"
     ],
     "values": [
      11
     ]
    }
   }
  ]
 }
}
)");
}

TEST_F(CommandTest, ErrorsNameTheFileOrTheFlag) {
  compute_.only = {"q"};
  Outcome outcome = Capture([this] { return RunCompute(compute_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.output, "");
  EXPECT_TRUE(outcome.error.starts_with("gradus: --only: trace.only[0]: ")) << outcome.error;

  compute_.only = {};
  compute_.pins = {"q=1"};
  outcome = Capture([this] { return RunCompute(compute_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_TRUE(outcome.error.starts_with("gradus: --pin: pins[0].address")) << outcome.error;

  compute_.pins = {};
  compute_.problem = folder_.Write("empty.txtpb", "# nothing");
  outcome = Capture([this] { return RunCompute(compute_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.error, "gradus: " + compute_.problem + ": network: unset\n");
}

TEST_F(CommandTest, AnotherServerAnswersAlike) {
  const std::string here = Capture([this] { return RunCompute(compute_); }).output;
  ServerOptions options;
  options.listen_address = "127.0.0.1:0";
  const auto server = Server::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  compute_.connection.server = "127.0.0.1:" + std::to_string((*server)->port());
  const Outcome outcome = Capture([this] { return RunCompute(compute_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.output, here);
}

TEST_F(CommandTest, NoServerThere) {
  compute_.connection.server = "unix:" + folder_.PathOf("no_socket");
  const Outcome outcome = Capture([this] { return RunCompute(compute_); });
  EXPECT_EQ(outcome.code, ExitCode::kUnreachable);
  EXPECT_TRUE(
      outcome.error.starts_with("gradus: " + compute_.connection.server + ": unavailable: "))
      << outcome.error;
}

TEST_F(CommandTest, GradeGoesOnAfterAnUnreadableSubmission) {
  grade_.submissions = {
      folder_.Write("s1.txtpb", "id: 's1' answers { item: 'y' text { values: '11.0' } }"),
      folder_.Write("s2.txtpb", "id: 's2' answrs {}"),
      folder_.Write("s3.txtpb", "id: 's3\\377'"),
      folder_.Write("s4.txtpb", "id: '" + std::string(300, 'x') + "'"),
      folder_.Write("s5.txtpb", "id: 's5' answers { item: 'y' text { values: '12' } }"),
  };
  const Outcome outcome = Capture([this] { return RunGrade(grade_); });
  EXPECT_EQ(outcome.code, ExitCode::kPartlyGraded);
  EXPECT_EQ(outcome.output,
            "s1: 1 / 1 points\n"
            "\n"
            "s5: 0 / 1 points\n");
  EXPECT_EQ(outcome.error,
            "gradus: " + grade_.submissions[1] +
                ":1:17: Message type \"gradus.v1.Submission\" has no field named \"answrs\".\n"
                "gradus: " +
                grade_.submissions[2] +
                ": a string is not UTF-8\n"
                "gradus: " +
                grade_.submissions[3] + ": submission.id: longer than 256 characters\n");
}

TEST_F(CommandTest, GradeAsJson) {
  const std::string submission = folder_.Write("s1.txtpb", "id: 's1'");
  const std::string report = R"({
 "assignment": "a",
 "submissionId": "s1",
 "feedbackLevel": "FEEDBACK_LEVEL_SCORE",
 "earnedPoints": 0,
 "possiblePoints": 1,
 "gradable": true,
 "items": [],
 "unexpected": [],
 "firstWrongItem": "",
 "findings": []
}
)";
  grade_.json = true;
  grade_.submissions = {submission};
  EXPECT_EQ(Capture([this] { return RunGrade(grade_); }).output, report);
  grade_.submissions = {submission, submission};
  EXPECT_EQ(Capture([this] { return RunGrade(grade_); }).output,
            "[\n" + report + ",\n" + report + "]\n");
}

TEST_F(CommandTest, AWrongAssignmentIsSaidOnce) {
  grade_.assignment = folder_.Write("wrong.txtpb", "name: 'a'");
  const std::string submission = folder_.Write("s1.txtpb", "id: 's1'");
  grade_.submissions = {submission, submission};
  const Outcome outcome = Capture([this] { return RunGrade(grade_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(outcome.error,
            "gradus: " + grade_.assignment + ": problems: empty; there is nothing to compute\n");
}

TEST_F(CommandTest, Health) {
  Outcome outcome = Capture([] { return RunHealth({}); });
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(outcome.output, "SERVING\n");
  outcome =
      Capture([this] { return RunHealth({.server = "unix:" + folder_.PathOf("no_socket")}); });
  EXPECT_EQ(outcome.code, ExitCode::kUnreachable);
  EXPECT_EQ(outcome.output, "");
}

}  // namespace
}  // namespace gradus
