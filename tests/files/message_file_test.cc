#include "server/files/message_file.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gradus/v1/grade.pb.h"
#include "server/files/json.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

// Words of protobuf differ between its versions, and newer ones have blanks that vary on purpose.
using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::StartsWith;
using testing::ToText;

v1::Submission Sample() {
  v1::Submission submission;
  submission.set_id("s1");
  v1::Answer* answer = submission.add_answers();
  answer->set_item("dL/dw5");
  answer->mutable_text()->add_values("0.130");
  return submission;
}

// What reading a file of these contents says, after the path.
std::string ErrorOf(std::string_view name, std::string_view contents) {
  const TemporaryFolder folder;
  const std::string path = folder.Write(name, contents);
  const absl::Status status = ReadMessageFile<v1::Submission>(path).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  const std::string message(status.message());
  EXPECT_TRUE(message.starts_with(path)) << message;
  return message.substr(std::min(message.size(), path.size()));
}

std::string Repeat(std::string_view text, int count) {
  std::string repeated;
  for (int i = 0; i < count; ++i) repeated += text;
  return repeated;
}

constexpr int kDeep = 20'000;

TEST(MessageFile, EveryExtensionReadsItsFormat) {
  const TemporaryFolder folder;
  const std::string text = ToText(Sample());
  const std::string json = *ToJson(Sample(), JsonFields::kSet);
  const std::string binary = Sample().SerializeAsString();
  const std::pair<std::string_view, const std::string&> files[] = {
      {"a.txtpb", text}, {"a.textproto", text}, {"a.pbtxt", text},
      {"a.json", json},  {"a.binpb", binary},   {"a.pb", binary},
  };
  for (const auto& [name, contents] : files) {
    const auto read = ReadMessageFile<v1::Submission>(folder.Write(name, contents));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(ToText(*read), text) << name;
  }
}

TEST(MessageFile, ReplacesWhatWasThere) {
  const TemporaryFolder folder;
  v1::Submission submission = Sample();
  ASSERT_TRUE(ReadMessageFile(folder.Write("a.txtpb", "id: 's2'"), &submission).ok());
  EXPECT_EQ(submission.id(), "s2");
  EXPECT_EQ(submission.answers_size(), 0);
}

TEST(MessageFile, TextErrorsHaveLineAndColumn) {
  EXPECT_EQ(ErrorOf("a.txtpb", "id: 's1'\nanswers {\n  itm: 'h'\n}\n"),
            ":3:6: Message type \"gradus.v1.Answer\" has no field named \"itm\".");
  EXPECT_EQ(ErrorOf("a.txtpb", "id: s1"), ":1:5: Expected string, got: s1");
  EXPECT_EQ(ErrorOf("a.txtpb", "id: 's1' id: 's2'"),
            ":1:12: Non-repeated field \"id\" is specified multiple times.");
}

TEST(MessageFile, TheFirstErrorCounts) {
  EXPECT_THAT(ErrorOf("a.txtpb", "id: 's1\nfoo: 'x\n"),
              AnyOf(":1:8: String literals cannot cross line boundaries.",
                    StartsWith(":1:8: Multiline strings are not allowed.")));
}

TEST(MessageFile, JsonErrors) {
  EXPECT_THAT(ErrorOf("a.json", "{\"itm\": 1}"),
              AnyOf(": itm: Cannot find field.", EndsWith("'itm'")));
  EXPECT_THAT(ErrorOf("a.json", "{\"id\" 1}"),
              AnyOf(": Expected : between key:value pair. Near: {\"id\" 1}", EndsWith("':'")));
}

TEST(MessageFile, BinaryErrors) {
  EXPECT_EQ(ErrorOf("a.binpb", "\xff\xff"), ": not the binary form of a gradus.v1.Submission");
}

TEST(MessageFile, StringsAreUtf8) {
  EXPECT_EQ(ErrorOf("a.txtpb", "id: '\\377'"), ": a string is not UTF-8");
  EXPECT_EQ(ErrorOf("a.txtpb", "id: '\xff'"), ": a string is not UTF-8");
  EXPECT_NE(ErrorOf("a.json", "{\"id\": \"\xff\"}"), "");
  EXPECT_NE(ErrorOf("a.json", "{\"id\": \"\\ud800\"}"), "");
  EXPECT_NE(ErrorOf("a.binpb", "\x0a\x01\xff"), "");
}

TEST(MessageFile, DeepNestingIsAnErrorAndNoCrash) {
  // Of fields that we know, that nobody knows, and of lists.
  EXPECT_NE(ErrorOf("a.txtpb", Repeat("answers {", kDeep) + Repeat("}", kDeep)), "");
  EXPECT_NE(ErrorOf("a.txtpb", Repeat("x {", kDeep) + Repeat("}", kDeep)), "");
  EXPECT_NE(ErrorOf("a.txtpb", Repeat("[x.y/z] {", kDeep) + Repeat("}", kDeep)), "");
  EXPECT_NE(ErrorOf("a.txtpb", "answers: " + Repeat("[", kDeep) + Repeat("]", kDeep)), "");
  EXPECT_NE(ErrorOf("a.json", Repeat("{\"answers\":", kDeep) + "1" + Repeat("}", kDeep)), "");
  EXPECT_NE(ErrorOf("a.json", Repeat("{\"x\":", kDeep) + "1" + Repeat("}", kDeep)), "");
  EXPECT_NE(
      ErrorOf("a.json", "{\"answers\":" + Repeat("[", kDeep) + "1" + Repeat("]", kDeep) + "}"), "");
  // Field 15 as a group: begin and end.
  EXPECT_NE(ErrorOf("a.binpb", Repeat("\x7b", kDeep) + Repeat("\x7c", kDeep)), "");
}

TEST(MessageFile, AnotherExtensionListsThese) {
  EXPECT_EQ(ErrorOf("a.yaml", "id: s1"),
            ": the extension '.yaml' says no format; use .txtpb, .textproto or .pbtxt for text, "
            ".json for "
            "JSON, .binpb or .pb for binary");
  EXPECT_TRUE(ErrorOf("a", "x").starts_with(": the extension '' says no format"));
}

TEST(MessageFile, EmptyOrMissing) {
  EXPECT_EQ(ErrorOf("a.txtpb", ""), ": the file is empty");
  EXPECT_EQ(ErrorOf("a.binpb", ""), ": the file is empty");
  EXPECT_EQ(ReadMessageFile<v1::Submission>("no/such.txtpb").status().message(),
            "no/such.txtpb: No such file or directory");
}

TEST(MessageFile, Folder) {
  const TemporaryFolder folder;
  const std::string path = folder.PathOf("folder.txtpb");
  std::filesystem::create_directory(path);
  EXPECT_EQ(ReadMessageFile<v1::Submission>(path).status().message(), path + ": Is a directory");
}

TEST(MessageFile, AFolderThatIsNotThereCannotBeListed) {
  EXPECT_EQ(ListMessageFiles("no/such").status().message(), "no/such: No such file or directory");
}

// As Kubernetes mounts a ConfigMap: links to files in a hidden folder. One that leads nowhere is
// listed, as a file that cannot be read.
TEST(MessageFile, LinksAreListed) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.PathOf("..data"));
  folder.Write("..data/a.json", "{}");
  std::filesystem::create_symlink("..data/a.json", folder.PathOf("a.json"));
  std::filesystem::create_symlink("nowhere", folder.PathOf("b.txtpb"));
  std::filesystem::create_directory_symlink("..data", folder.PathOf("c.json"));
  EXPECT_THAT(*ListMessageFiles(folder.PathOf("")),
              ::testing::ElementsAre(folder.PathOf("a.json"), folder.PathOf("b.txtpb")));
}

TEST(MessageFile, TooLarge) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("large.binpb", "");
  std::filesystem::resize_file(path, kMaxFileBytes + 1);
  EXPECT_EQ(ReadMessageFile<v1::Submission>(path).status().message(),
            path + ": larger than 64 MiB");
}

}  // namespace
}  // namespace gradus
