// What gradus lint prints, of findings made here and of an assignment that the server in this
// process lints, and its exit codes.

#include "client/lint_command.h"

#include <string>

#include "google/protobuf/text_format.h"
#include <gtest/gtest.h>

#include "server/files/json.h"
#include "tests/client/capture.h"
#include "tests/support/temporary_folder.h"

namespace gradus {
namespace {

std::string TextOf(const std::string& name, const std::string& response_text) {
  v1::LintAssignmentResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(response_text, &response));
  return LintText(name, response);
}

TEST(LintText, OfNothing) {
  EXPECT_EQ(TextOf("homework", "tried_count: 7"),
            "homework: 7 wrong answers tried, 0 would be accepted\n");
}

TEST(LintText, AllThereIs) {
  EXPECT_EQ(TextOf("homework", R"pb(
              findings { code: "negated_key" credit: 0.666 message: "A paper would pass." }
              findings {
                item: "σ'(z)"
                code: "zeros"
                credit: 1
                message: "Zeros would be accepted."
                also_accepted: "ones"
                also_accepted: "sign_flip"
                also_accepted: "factor"
                also_accepted: "no_update"
              }
              findings { item: "W" code: "weak" message: "Ask for 4 decimals." }
              tried_count: 20
              accepted_count: 5
            )pb"),
            "homework: 20 wrong answers tried, 5 would be accepted\n"
            "\n"
            "  item   finding              credit  message\n"
            "  (all)  negated_key          67 %    A paper would pass.\n"
            "  σ'(z)  zeros, ones, 3 more  100 %   Zeros would be accepted.\n"
            "  W      weak                         Ask for 4 decimals.\n");
}

TEST(LintText, AServerForgesNothing) {
  EXPECT_EQ(TextOf("a\nb", R"pb(
              findings { item: "W\033[1A" code: "weak" message: "Ask\rfor more." }
            )pb"),
            "a b: 0 wrong answers tried, 0 would be accepted\n"
            "\n"
            "  item   finding  credit  message\n"
            "  W?[1A  weak             Ask for more.\n");
}

// y = 0.3 x = 0.006.
constexpr char kAssignment[] = R"pb(
  name: "scale"
  problems {
    name: "p"
    problem {
      network {
        inputs { name: "x" }
        nodes {
          name: "y"
          inputs: "x"
          scale { factor: 0.3 }
        }
      }
      inputs {
        name: "x"
        tensor { values: 0.02 }
      }
    }
  }
  items { id: "y" quantity: "y" }
)pb";

class LintCommandTest : public testing::Test {
 protected:
  LintCommandTest() { options_.assignment = folder_.Write("assignment.txtpb", kAssignment); }

  Outcome Run() {
    return Capture([this] { return RunLint(options_); });
  }

  const TemporaryFolder folder_;
  LintOptions options_;
};

TEST_F(LintCommandTest, AsText) {
  const Outcome outcome = Run();
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(
      outcome.output,
      "scale: 5 wrong answers tried, 2 would be accepted\n"
      "\n"
      "  item  finding        credit  message\n"
      "  y     zeros, factor  100 %   Zeros, and another wrong answer, would be accepted: ask "
      "for 3 decimals.\n"
      "  y     weak                   With 2 decimals, right answers may be further apart "
      "than the key's largest number: ask for 3 decimals.\n");
}

TEST_F(LintCommandTest, AsJson) {
  options_.json = true;
  const Outcome outcome = Run();
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  v1::LintAssignmentResponse response;
  ASSERT_TRUE(ParseJson(outcome.output, &response).ok()) << outcome.output;
  EXPECT_EQ(response.tried_count(), 5);
  EXPECT_EQ(response.findings_size(), 2);
  // Lists and numbers are there also where they are empty or 0.
  EXPECT_NE(outcome.output.find("\"alsoAccepted\": []"), std::string::npos) << outcome.output;
}

TEST_F(LintCommandTest, ErrorsNameTheFile) {
  options_.assignment = folder_.Write("empty.txtpb", "name: 'a'");
  Outcome outcome = Run();
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(outcome.error,
            "gradus: " + options_.assignment + ": problems: empty; there is nothing to compute\n");

  options_.assignment = folder_.PathOf("missing.txtpb");
  outcome = Run();
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_TRUE(outcome.error.starts_with("gradus: " + options_.assignment + ": ")) << outcome.error;
}

TEST_F(LintCommandTest, NoServerThere) {
  options_.connection.server = "unix:" + folder_.PathOf("no_socket");
  const Outcome outcome = Run();
  EXPECT_EQ(outcome.code, ExitCode::kUnreachable);
  EXPECT_EQ(outcome.output, "");
}

}  // namespace
}  // namespace gradus
