// gradus class and gradus regrade on the homework that the project began with.

#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/class_command.h"
#include "client/regrade_command.h"
#include "server/files/json.h"
#include "tests/client/capture.h"
#include "tests/support/project_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using ::testing::ElementsAre;

constexpr char kHomework[] = "examples/homework/homework.txtpb";

template <class Message>
Message FromOutcome(const Outcome& outcome) {
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  Message message;
  EXPECT_TRUE(ParseJson(outcome.output, &message).ok()) << outcome.output;
  return message;
}

int64_t CountOf(const v1::ItemStatistics& item) {
  int64_t count = 0;
  for (const v1::VerdictCount& verdict : item.verdicts()) count += verdict.count();
  return count;
}

TEST(ClassTest, TheHomework) {
  ClassOptions options;
  options.assignment = ProjectFile(kHomework);
  options.submissions = {ProjectFile("examples/homework/submissions")};
  options.json = true;
  const auto report = FromOutcome<v1::ClassReport>(Capture([&] { return RunClass(options); }));
  EXPECT_EQ(report.assignment(), "homework");
  EXPECT_EQ(report.feedback_level(), v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP);
  EXPECT_EQ(report.submission_count(), 5);
  EXPECT_EQ(report.scores().highest_points(), 73);
  const auto homework = FromFile<v1::Assignment>(kHomework);
  ASSERT_EQ(report.items_size(), homework.items_size());
  for (int i = 0; i < report.items_size(); ++i) {
    EXPECT_EQ(report.items(i).id(), homework.items(i).id());
    EXPECT_EQ(CountOf(report.items(i)), 5) << report.items(i).id();
  }
  std::set<std::string> first_wrong;
  for (const auto& entry : report.first_wrong_items()) first_wrong.insert(entry.item());
  EXPECT_THAT(first_wrong, ::testing::Contains("dL/dz_h1"));  // the planted error

  options.json = false;
  const Outcome text = Capture([&] { return RunClass(options); });
  EXPECT_THAT(text.output, ::testing::StartsWith("homework: 5 submissions, "));
}

TEST(RegradeTest, TheHomeworkWithoutAnItemAndWithOneOfMorePoints) {
  const TemporaryFolder folder;
  auto changed = FromFile<v1::Assignment>(kHomework);
  v1::Item& first = *changed.mutable_items(0);
  const std::string gone = changed.items(changed.items_size() - 1).id();
  first.set_points(3);
  changed.mutable_items()->RemoveLast();
  const std::string name = folder.Write("changed.binpb", changed.SerializeAsString());

  RegradeOptions options;
  options.old_assignment = ProjectFile(kHomework);
  options.new_assignment = name;
  options.submissions = {ProjectFile("examples/homework/submissions/exact.txtpb")};
  options.json = true;
  auto report = FromOutcome<v1::RegradeReport>(Capture([&] { return RunRegrade(options); }));
  ASSERT_EQ(report.submissions_size(), 1);
  EXPECT_EQ(report.submissions(0).old_earned_points(), 73);
  EXPECT_EQ(report.submissions(0).new_earned_points(), 74.5);
  EXPECT_EQ(report.submissions(0).new_possible_points(), 74.5);
  std::vector<std::string> items;
  for (const v1::ItemChange& item : report.submissions(0).items()) items.push_back(item.id());
  EXPECT_THAT(items, ElementsAre(first.id(), gone));
  EXPECT_EQ(report.raised_count(), 1);

  options.lowered_score = LoweredScore::kKeepsTheOld;
  report = FromOutcome<v1::RegradeReport>(Capture([&] { return RunRegrade(options); }));
  EXPECT_EQ(report.submissions(0).new_earned_points(), 75);
}

}  // namespace
}  // namespace gradus::testing
