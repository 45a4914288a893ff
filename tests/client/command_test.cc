// The commands as a whole, with the server in this process: what they print, and their exit codes.

#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "client/check_command.h"
#include "client/compute_command.h"
#include "client/grade_command.h"
#include "client/health_command.h"
#include "client/ops_command.h"
#include "tests/client/capture.h"
#include "tests/support/temporary_folder.h"

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
  CheckCommandOptions check_;
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

TEST_F(CommandTest, GradeKeepsIdsThatAreNotUnique) {
  const auto write = [this](const std::string& name, const std::string& id, const char* answer) {
    return folder_.Write(
        name, "id: '" + id + "' answers { item: 'y' text { values: '" + answer + "' } }");
  };
  grade_.submissions = {
      write("a.txtpb", "same", "11.0"), write("b.txtpb", "same", "12.0"),
      write("c.txtpb", "", "11.0"),     write("d.txtpb", "#1", "12.0"),
      write("e.txtpb", "", "12.0"),     write("f.txtpb", "same", "11.0"),
  };
  const Outcome outcome = Capture([this] { return RunGrade(grade_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(outcome.output, "same: 1 / 1 points\n\nsame: 0 / 1 points\n\n" + grade_.submissions[2] +
                                ": 1 / 1 points\n\n#1: 0 / 1 points\n\n" + grade_.submissions[4] +
                                ": 0 / 1 points\n\nsame: 1 / 1 points\n");
}

TEST_F(CommandTest, GradeTakesAFolder) {
  std::filesystem::create_directory(folder_.PathOf("in"));
  folder_.Write("in/b.json", R"({"id": "b"})");
  folder_.Write("in/a.txtpb", "id: 'a'");
  folder_.Write("in/notes.md", "# Notes");
  grade_.submissions = {folder_.PathOf("in")};
  const Outcome outcome = Capture([this] { return RunGrade(grade_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.output, "a: 0 / 1 points\n\nb: 0 / 1 points\n");
}

TEST_F(CommandTest, AFolderIsAnArrayInJsonWhateverItHolds) {
  std::filesystem::create_directory(folder_.PathOf("in"));
  folder_.Write("in/a.txtpb", "id: 'a'");
  grade_.submissions = {folder_.PathOf("in/a.txtpb")};
  grade_.json = true;
  const std::string report = Capture([this] { return RunGrade(grade_); }).output;
  grade_.submissions = {folder_.PathOf("in")};
  EXPECT_EQ(Capture([this] { return RunGrade(grade_); }).output, "[\n" + report + "]\n");
}

TEST_F(CommandTest, AnEmptyFolderIsAnErrorBeforeAnythingIsGraded) {
  std::filesystem::create_directory(folder_.PathOf("in"));
  grade_.submissions = {folder_.Write("a.txtpb", "id: 'a'"), folder_.PathOf("in")};
  const Outcome outcome = Capture([this] { return RunGrade(grade_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.output, "");
  EXPECT_TRUE(outcome.error.starts_with("gradus: " + folder_.PathOf("in") + ": no submission"))
      << outcome.error;
}

TEST_F(CommandTest, GradeWithoutAServer) {
  grade_.connection.server = "unix:" + folder_.PathOf("no_socket");
  grade_.submissions = {folder_.Write("a.txtpb", "id: 'a'")};
  const Outcome outcome = Capture([this] { return RunGrade(grade_); });
  EXPECT_EQ(outcome.code, ExitCode::kUnreachable);
  EXPECT_EQ(outcome.output, "");
  EXPECT_TRUE(outcome.error.starts_with("gradus: " + grade_.connection.server + ": unavailable: "))
      << outcome.error;
}

// A message beyond the server's limit would end the stream for all.
TEST_F(CommandTest, ASubmissionTooLargeForTheServerIsLeftOut) {
  ServerOptions server_options;
  server_options.listen_address = "127.0.0.1:0";
  server_options.limits.max_request_bytes = 4096;
  const auto server = Server::Start(server_options);
  ASSERT_TRUE(server.ok()) << server.status();
  grade_.connection.server = "127.0.0.1:" + std::to_string((*server)->port());
  const std::string answer = "answers { item: '" + std::string(3000, 'x') + "' }";
  grade_.submissions = {
      folder_.Write("a.txtpb", "id: 'a'"),
      folder_.Write("b.txtpb", "id: 'b'" + answer + answer),
      folder_.Write("c.txtpb", "id: 'c'" + answer),
      folder_.Write("d.txtpb", "id: 'd'" + answer),
  };
  const Outcome outcome = Capture([this] { return RunGrade(grade_); });
  EXPECT_EQ(outcome.code, ExitCode::kPartlyGraded);
  EXPECT_EQ(outcome.output, "a: 0 / 1 points\n\nc: 0 / 1 points\n\nd: 0 / 1 points\n");
  EXPECT_EQ(outcome.error, "gradus: " + grade_.submissions[1] +
                               ": 6015 bytes in binary, the server takes messages of 4096\n");
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

TEST_F(CommandTest, CheckAgrees) {
  check_.problem = compute_.problem;
  check_.methods = {v1::CHECK_METHOD_FORWARD_MODE, v1::CHECK_METHOD_TAYLOR};
  check_.only = {"grad(w)"};
  const Outcome outcome = Capture([this] { return RunCheck(check_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(outcome.output,
            "gradient  method   verdict\n"
            "grad(w)   forward  agrees\n"
            "grad(w)   taylor   agrees\n"
            "\n"
            "2 agree, 0 differ, 0 undecided\n");
}

TEST_F(CommandTest, CheckSaysWhatDiffers) {
  check_.problem = compute_.problem;
  check_.gradients =
      folder_.Write("gradients.txtpb",
                    "gradients { name: 'grad(w)' tensor { shape: [ 1, 2 ] values: [ 2, 4 ] } }");
  const Outcome outcome = Capture([this] { return RunCheck(check_); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDiffers);
  EXPECT_EQ(
      outcome.output,
      "gradient  method   verdict\n"
      "grad(w)   forward  DIFFERS  grad(w)[0,1]: 4, by forward mode 2, ratio 2; 2 of 2 elements "
      "differ; twice too large: a factor 1/2 is missing, or a sum in place of a mean over 2\n"
      "\n"
      "0 agree, 1 differ, 0 undecided\n");
}

TEST_F(CommandTest, CheckNamesTheFlagOrFileThatIsWrong) {
  check_.problem = compute_.problem;
  check_.only = {"w"};
  Outcome outcome = Capture([this] { return RunCheck(check_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.error, "gradus: --only: only[0]: 'w' is no whole gradient, as grad(W) is\n");
  check_.only.clear();
  check_.gradients = folder_.Write("empty.txtpb", "seed: 1");
  outcome = Capture([this] { return RunCheck(check_); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.error, "gradus: " + check_.gradients + ": it holds no gradients\n");
}

TEST_F(CommandTest, OpsSaysAllAboutOne) {
  OpsOptions options;
  options.name = "softplus";
  const Outcome outcome = Capture([&] { return RunOps(options); });
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(
      outcome.output,
      "softplus(input)\n"
      "\n"
      "  a = log(1 + exp(beta z)) / beta\n"
      "  grad(z) = u / (1 + exp(-beta z))\n"
      "\n"
      "a = log(1 + exp(beta z)) / beta, elementwise, computed without overflow. Slope 1 / (1 + "
      "exp(-beta\n"
      "z)). Operand: z.\n"
      "\n"
      "beta: double\n"
      "  How sharply it bends around 0. Finite and greater than 0, else INVALID_ARGUMENT. Default "
      "1.\n");
}

TEST_F(CommandTest, OpsKnowsNoOther) {
  OpsOptions options;
  options.name = "soft_plus";
  const Outcome outcome = Capture([&] { return RunOps(options); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.error, "gradus: no op is named 'soft_plus'\n");
}

TEST(OpTextTest, ShowsOptionalAndRepeatedOperandsKinksAndChoices) {
  v1::OpDescription op;
  op.set_name("thing");
  op.add_operands("a");
  op.add_operands("b");
  op.set_required_operand_count(1);
  op.set_formula("y = a");
  op.set_vjp("grad(a) = u");
  op.set_kinks("a = b");
  op.set_comment("First paragraph.\n\nSecond.");
  v1::OpAttribute* attribute = op.add_attributes();
  attribute->set_name("order");
  attribute->set_type("Order");
  attribute->set_comment("Which.");
  v1::OpChoice* choice = attribute->add_choices();
  choice->set_name("ORDER_UP");
  choice->set_comment("Upwards.");
  EXPECT_EQ(
      OpText(op),
      "thing(a[, b])\n\n  y = a\n  grad(a) = u\n  kinks: a = b\n\nFirst paragraph.\n\nSecond.\n"
      "\norder: Order\n  Which.\n    ORDER_UP: Upwards.\n");
}

}  // namespace
}  // namespace gradus
