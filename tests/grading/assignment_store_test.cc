#include "server/grading/assignment_store.h"

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "server/files/json.h"
#include "server/grading/grade.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// y = factor x, where x is 2.
std::string Scale(const std::string& name, const std::string& factor) {
  return fmt::format(R"(
    name: "{}"
    problems {{
      name: "p"
      problem {{
        network {{
          inputs {{ name: "x" }}
          nodes {{ name: "y" inputs: "x" scale {{ factor: {} }} }}
        }}
        inputs {{ name: "x" tensor {{ values: 2 }} }}
      }}
    }}
    items {{ id: "y" quantity: "y" }}
  )",
                     name, factor);
}

constexpr char kItemWrong[] = R"(items { id: "z" quantity: "z" })";
const std::string& ItemError() {
  static const std::string& text =
      *new std::string("items[1].quantity 'z': no input, parameter or node is named 'z'");
  return text;
}

class AssignmentStoreTest : public ::testing::Test {
 protected:
  AssignmentStoreTest() : store_({.directory = folder_.PathOf("")}) {}

  std::vector<std::string> Read() { return store_.Read(never_); }

  // The key of the only item of an assignment.
  double KeyOf(const std::string& name) const {
    const auto assignment = store_.Find(name);
    EXPECT_TRUE(assignment.ok()) << assignment.status();
    return assignment.ok() ? (*assignment)->items()[0].key[0] : 0;
  }

  const std::atomic<bool> never_ = false;
  const TemporaryFolder folder_;
  AssignmentStore store_;
};

TEST_F(AssignmentStoreTest, HoldsNothingBeforeItReads) {
  folder_.Write("a.txtpb", Scale("a", "3"));
  EXPECT_THAT(store_.Names(), IsEmpty());
  EXPECT_THAT(AssignmentStore().Names(), IsEmpty());
}

TEST_F(AssignmentStoreTest, HoldsWhatTheDirectoryHas) {
  const auto b = testing::FromText<v1::Assignment>(Scale("the b", "4"));
  const auto a = testing::FromText<v1::Assignment>(Scale("a", "5"));
  folder_.Write("1.txtpb", Scale("c", "3"));
  folder_.Write("2.json", *ToJson(b, JsonFields::kSet));
  folder_.Write("3.binpb", a.SerializeAsString());
  folder_.Write(".hidden.txtpb", "not an assignment");
  folder_.Write("README.md", "not an assignment");
  std::filesystem::create_directory(folder_.PathOf("deeper"));
  folder_.Write("deeper/d.txtpb", "not an assignment");
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_THAT(store_.Names(), ElementsAre("a", "c", "the b"));
  EXPECT_EQ(KeyOf("c"), 6);
  EXPECT_EQ(KeyOf("the b"), 8);
  EXPECT_EQ(KeyOf("a"), 10);
}

TEST_F(AssignmentStoreTest, AnEmptyDirectoryIsRight) {
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_THAT(store_.Names(), IsEmpty());
}

TEST_F(AssignmentStoreTest, ABrokenFileIsNamedWithItsField) {
  const std::string a = folder_.Write("a.txtpb", Scale("a", "3") + kItemWrong);
  const std::string b = folder_.Write("b.json", "{\"nam\": 1}");
  folder_.Write("c.txtpb", Scale("c", "3"));
  std::filesystem::create_symlink("nowhere", folder_.PathOf("d.txtpb"));
  EXPECT_THAT(Read(), ElementsAre(a + ": " + ItemError(),
                                  ::testing::AllOf(::testing::StartsWith(b + ": "),
                                                   ::testing::HasSubstr("nam")),
                                  folder_.PathOf("d.txtpb") + ": No such file or directory"));
  EXPECT_THAT(store_.Names(), ElementsAre("c"));
}

TEST_F(AssignmentStoreTest, ABrokenFileKeepsTheLastGoodVersion) {
  const std::string a = folder_.Write("a.txtpb", Scale("a", "3"));
  folder_.Write("b.txtpb", Scale("b", "3"));
  ASSERT_THAT(Read(), IsEmpty());
  folder_.Write("a.txtpb", Scale("a", "4") + kItemWrong);
  folder_.Write("b.txtpb", Scale("b", "4"));
  // Also when it stays broken.
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Read(), ElementsAre(a + ": " + ItemError() + "; the version before it stays"));
    EXPECT_EQ(KeyOf("a"), 6);
    EXPECT_EQ(KeyOf("b"), 8);
  }
  folder_.Write("a.txtpb", Scale("a", "5"));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(KeyOf("a"), 10);
}

TEST_F(AssignmentStoreTest, AFileThatIsGoneGoesAndANewOneComes) {
  folder_.Write("a.txtpb", Scale("a", "3"));
  folder_.Write("b.txtpb", Scale("b", "3"));
  ASSERT_THAT(Read(), IsEmpty());
  std::filesystem::remove(folder_.PathOf("a.txtpb"));
  folder_.Write("c.txtpb", Scale("c", "3"));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_THAT(store_.Names(), ElementsAre("b", "c"));
  EXPECT_EQ(store_.Find("a").status().message(),
            "no assignment is named 'a'; ListAssignments has the names of those that there are");
}

TEST_F(AssignmentStoreTest, AFileMayBeRenamed) {
  folder_.Write("b.txtpb", Scale("a", "3"));
  ASSERT_THAT(Read(), IsEmpty());
  std::filesystem::rename(folder_.PathOf("b.txtpb"), folder_.PathOf("a.txtpb"));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(KeyOf("a"), 6);
}

TEST_F(AssignmentStoreTest, ADirectoryThatCannotBeReadChangesNothing) {
  std::filesystem::create_directory(folder_.PathOf("inner"));
  AssignmentStore store({.directory = folder_.PathOf("inner")});
  folder_.Write("inner/a.txtpb", Scale("a", "3"));
  ASSERT_THAT(store.Read(never_), IsEmpty());
  std::filesystem::remove_all(folder_.PathOf("inner"));
  EXPECT_THAT(store.Read(never_),
              ElementsAre(folder_.PathOf("inner") + ": No such file or directory"));
  EXPECT_THAT(store.Names(), ElementsAre("a"));
}

// What is wrong with a file because of another that has the same name.
std::string SameName(const std::string& path, const std::string& name, const std::string& other) {
  return fmt::format("{}: name '{}': {} has the same", path, name, other);
}
constexpr char kStays[] = "; the version before it stays";

TEST_F(AssignmentStoreTest, OfANameThatIsNewNoFileIsTheOwner) {
  const std::string a = folder_.Write("a.txtpb", Scale("same", "3"));
  const std::string b = folder_.Write("b.txtpb", Scale("same", "4"));
  const std::string c = folder_.Write("c.txtpb", Scale("same", "5"));
  EXPECT_THAT(Read(),
              ElementsAre(SameName(a, "same", b), SameName(b, "same", a), SameName(c, "same", a)));
  EXPECT_THAT(store_.Names(), IsEmpty());
}

TEST_F(AssignmentStoreTest, TheOwnerKeepsItsName) {
  const std::string b = folder_.Write("b.txtpb", Scale("b", "3"));
  folder_.Write("c.txtpb", Scale("c", "3"));
  ASSERT_THAT(Read(), IsEmpty());
  // Whether the owner itself has changed or not.
  for (const std::string factor : {"3", "4"}) {
    const std::string a = folder_.Write("a.txtpb", Scale("b", "5"));
    folder_.Write("b.txtpb", Scale("b", factor));
    const std::string c = folder_.Write("c.txtpb", Scale("b", "6"));
    EXPECT_THAT(Read(), ElementsAre(SameName(a, "b", b), SameName(c, "b", b) + kStays));
    EXPECT_THAT(store_.Names(), ElementsAre("b", "c"));
    EXPECT_EQ(KeyOf("b"), 2 * std::stod(factor));
    EXPECT_EQ(KeyOf("c"), 6);
  }
}

TEST_F(AssignmentStoreTest, TwoFilesMayExchangeTheirNames) {
  folder_.Write("a.txtpb", Scale("a", "3"));
  folder_.Write("b.txtpb", Scale("b", "4"));
  ASSERT_THAT(Read(), IsEmpty());
  folder_.Write("a.txtpb", Scale("b", "3"));
  folder_.Write("b.txtpb", Scale("a", "4"));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(KeyOf("a"), 8);
  EXPECT_EQ(KeyOf("b"), 6);
}

// The file a is broken and stays a, so that b cannot become a and stays b, so that c cannot become
// b.
TEST_F(AssignmentStoreTest, AVersionThatStaysTakesItsNameBack) {
  const std::string a = folder_.Write("a.txtpb", Scale("a", "3"));
  const std::string b = folder_.Write("b.txtpb", Scale("b", "4"));
  const std::string c = folder_.Write("c.txtpb", Scale("c", "5"));
  ASSERT_THAT(Read(), IsEmpty());
  folder_.Write("a.txtpb", Scale("new", "6") + kItemWrong);
  folder_.Write("b.txtpb", Scale("a", "7"));
  folder_.Write("c.txtpb", Scale("b", "8"));
  EXPECT_THAT(Read(), ElementsAre(a + ": " + ItemError() + kStays, SameName(b, "a", a) + kStays,
                                  SameName(c, "b", b) + kStays));
  EXPECT_EQ(KeyOf("a"), 6);
  EXPECT_EQ(KeyOf("b"), 8);
  EXPECT_EQ(KeyOf("c"), 10);
}

TEST_F(AssignmentStoreTest, WhatHasNotChangedIsNotCompiledAgain) {
  folder_.Write("a.txtpb", Scale("a", "3"));
  folder_.Write("b.txtpb", Scale("b", "3"));
  ASSERT_THAT(Read(), IsEmpty());
  const auto a = *store_.Find("a");
  const auto b = *store_.Find("b");
  folder_.Write("a.txtpb", "# Only a comment is new.\n" + Scale("a", "3"));
  folder_.Write("b.txtpb", Scale("b", "4"));
  ASSERT_THAT(Read(), IsEmpty());
  EXPECT_EQ(*store_.Find("a"), a);
  EXPECT_NE(*store_.Find("b"), b);
  EXPECT_EQ(b->items()[0].key[0], 6) << "whoever holds the version before keeps it";
}

TEST_F(AssignmentStoreTest, TooManyFilesChangeNothing) {
  AssignmentStore store({.directory = folder_.PathOf(""), .max_files = 2});
  folder_.Write("a.txtpb", Scale("a", "3"));
  folder_.Write("b.txtpb", Scale("b", "3"));
  ASSERT_THAT(store.Read(never_), IsEmpty());
  folder_.Write("c.txtpb", Scale("c", "3"));
  EXPECT_THAT(store.Read(never_), ElementsAre(folder_.PathOf("") + ": 3 files, the limit is 2"));
  EXPECT_THAT(store.Names(), ElementsAre("a", "b"));
}

TEST_F(AssignmentStoreTest, TooManyBytesChangeNothing) {
  folder_.Write("a.txtpb", Scale("a", "3"));
  ASSERT_THAT(Read(), IsEmpty());
  const double bytes = (*store_.Find("a"))->bytes();
  AssignmentStore store({.directory = folder_.PathOf(""), .max_bytes = 1.5 * bytes});
  ASSERT_THAT(store.Read(never_), IsEmpty());
  folder_.Write("a.txtpb", Scale("b", "4"));
  const std::string c = folder_.Write("c.txtpb", Scale("c", "3"));
  EXPECT_THAT(store.Read(never_),
              ElementsAre(fmt::format("{}: with it the assignments take about {:.0f} bytes or "
                                      "more, the limit is {:.0f}",
                                      c, 2 * bytes, 1.5 * bytes)));
  EXPECT_THAT(store.Names(), ElementsAre("a"));
}

TEST_F(AssignmentStoreTest, AnAssignmentIsNoLargerThanOneThatIsSent) {
  AssignmentStoreOptions options = {.directory = folder_.PathOf("")};
  options.limits.max_request_bytes = 10;
  AssignmentStore store(options);
  const std::string a = folder_.Write("a.txtpb", Scale("a", "3"));
  const size_t bytes = testing::FromText<v1::Assignment>(Scale("a", "3")).ByteSizeLong();
  EXPECT_THAT(store.Read(never_),
              ElementsAre(fmt::format("{}: {} bytes in binary form, the limit is 10", a, bytes)));
}

TEST_F(AssignmentStoreTest, AReadingThatIsCancelledChangesNothing) {
  folder_.Write("a.txtpb", Scale("a", "3"));
  ASSERT_THAT(Read(), IsEmpty());
  folder_.Write("a.txtpb", Scale("b", "4"));
  const std::atomic<bool> cancelled = true;
  EXPECT_THAT(store_.Read(cancelled), IsEmpty());
  EXPECT_THAT(store_.Names(), ElementsAre("a"));
}

// Each version gives full points to one answer only, and every grade is by one of them.
TEST_F(AssignmentStoreTest, GradesWhileItReads) {
  folder_.Write("a.txtpb", Scale("a", "3"));
  ASSERT_THAT(Read(), IsEmpty());
  std::atomic<bool> is_done = false;
  std::atomic<int> graded = 0;
  const auto grade = [&] {
    v1::GradeRequest request;
    request.set_assignment_name("a");
    for (const std::string answer : {"6", "8"}) {
      *request.mutable_submission() = testing::FromText<v1::Submission>(
          "answers { item: 'y' text { values: '" + answer + ".00' } }");
      v1::GradeResponse response;
      const absl::Status status =
          Grade(request, v1::FEEDBACK_LEVEL_UNSPECIFIED, store_, Limits(), never_, &response);
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_EQ(response.report().assignment(), "a");
      ++graded;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!is_done) grade();
    });
  }
  for (int i = 0; i < 50 || graded < 100; ++i) {
    folder_.Write("a.txtpb", Scale("a", i % 2 == 0 ? "4" : "3"));
    EXPECT_THAT(Read(), IsEmpty());
    EXPECT_EQ(KeyOf("a"), i % 2 == 0 ? 8 : 6);
  }
  is_done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(AssignmentStoreTest, AnUnknownNameIsToldTheClosest) {
  EXPECT_EQ(store_.Find("homwork").status().message(),
            "no assignment is named 'homwork'; this server holds none");
  folder_.Write("a.txtpb", Scale("homework", "3"));
  folder_.Write("b.txtpb", Scale("homework 2", "3"));
  ASSERT_THAT(Read(), IsEmpty());
  EXPECT_EQ(store_.Find("homwork").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_.Find("homwork").status().message(),
            "no assignment is named 'homwork'; the closest name is 'homework'");
  EXPECT_EQ(store_.Find("Homework2").status().message(),
            "no assignment is named 'Homework2'; the closest name is 'homework'");
  EXPECT_EQ(store_.Find("exam").status().message(),
            "no assignment is named 'exam'; ListAssignments has the names of those that there are");
}

}  // namespace
}  // namespace gradus
