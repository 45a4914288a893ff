// What gradus assignments prints. That a server holds some is tested end to end.

#include "client/assignments_command.h"

#include <string>

#include "google/protobuf/text_format.h"
#include <gtest/gtest.h>

#include "tests/client/capture.h"

namespace gradus {
namespace {

std::string TextOf(const std::string& response_text) {
  v1::GetAssignmentResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(response_text, &response));
  return AssignmentText(response);
}

TEST(AssignmentText, ListsItemsWithTheirShapes) {
  EXPECT_EQ(TextOf(R"pb(
              assignment {
                name: "homework"
                items { id: "dL/dW" quantity: "grad(W)" points: 2.5 }
                items { id: "h1 w5" }
                items { id: "b" quantity: "b@1" points: 0 }
              }
              shapes { item: "dL/dW" shape: 2 shape: 3 }
              shapes { item: "h1 w5" }
              shapes { item: "b" shape: 1 }
            )pb"),
            "homework: 3 items\n"
            "\n"
            "  item   points  shape   quantity\n"
            "  dL/dW  2.5     [2, 3]  grad(W)\n"
            "  h1 w5  1       []\n"
            "  b      0       [1]     b@1\n");
}

TEST(AssignmentText, AServerForgesNothing) {
  EXPECT_EQ(TextOf(R"pb(
              assignment {
                name: "a\nb"
                items { id: "W\033[1A" quantity: "W\r" }
              }
            )pb"),
            "a b: 1 item\n"
            "\n"
            "  item   points  shape  quantity\n"
            "  W?[1A  1              W\n");
}

TEST(AssignmentsCommand, TheServerInThisProcessHoldsNone) {
  AssignmentsOptions options;
  Outcome outcome = Capture([&] { return RunAssignments(options); });
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_EQ(outcome.output, "");
  options.json = true;
  outcome = Capture([&] { return RunAssignments(options); });
  EXPECT_EQ(outcome.output, "{\n \"names\": []\n}\n");
  options.name = "homework";
  outcome = Capture([&] { return RunAssignments(options); });
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.error,
            "gradus: name: no assignment is named 'homework'; this server holds none\n");
}

}  // namespace
}  // namespace gradus
