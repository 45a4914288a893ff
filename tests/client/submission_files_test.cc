#include "client/submission_files.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/temporary_folder.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

TEST(SubmissionFiles, AFolderStandsForItsFilesSortedByName) {
  const TemporaryFolder folder;
  const std::string b = folder.Write("b.json", "");
  const std::string c = folder.Write("c.binpb", "");
  const std::string a = folder.Write("a.txtpb", "");
  folder.Write("readme.txt", "");
  folder.Write(".hidden.json", "");
  std::filesystem::create_directory(folder.PathOf("d.json"));
  folder.Write("d.json/e.json", "");
  const auto files = SubmissionFiles({c, folder.PathOf(".")});
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_THAT(*files, ElementsAre(c, folder.PathOf("./a.txtpb"), folder.PathOf("./b.json"),
                                  folder.PathOf("./c.binpb")));
}

TEST(SubmissionFiles, WhatIsNoFolderIsAFile) {
  const TemporaryFolder folder;
  const auto files = SubmissionFiles({folder.PathOf("missing.json"), "x.unknown"});
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_THAT(*files, ElementsAre(folder.PathOf("missing.json"), "x.unknown"));
}

TEST(SubmissionFiles, AFolderWithoutSubmissionsIsAnError) {
  const TemporaryFolder folder;
  folder.Write("readme.txt", "");
  const auto files = SubmissionFiles({folder.PathOf("")});
  ASSERT_FALSE(files.ok());
  EXPECT_EQ(files.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(files.status().message()),
            folder.PathOf("") +
                ": the folder has no submissions; their files end in .txtpb, .json or .binpb");
}

}  // namespace
}  // namespace gradus
