#include "client/submission_files.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace gradus {
namespace {

TEST(SubmissionFiles, FilesAreTakenAsTheyAre) {
  const std::vector<std::string> files = {"no/such.txtpb", "b.yaml", "a.json", "a.json"};
  EXPECT_EQ(*ListSubmissionFiles(files), files);
}

TEST(SubmissionFiles, AFolderStandsForItsFilesByName) {
  const TemporaryFolder folder;
  folder.Write("b.json", "x");
  folder.Write("c.binpb", "x");
  folder.Write("a10.txtpb", "x");
  folder.Write("a1.txtpb", "");
  folder.Write("README.md", "x");
  folder.Write(".a.json", "x");
  std::filesystem::create_directories(folder.PathOf("deeper.json"));
  folder.Write("deeper.json/d.json", "x");
  const auto files =
      ListSubmissionFiles({"first.json", folder.PathOf(""), folder.PathOf("b.json")});
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(*files, (std::vector<std::string>{"first.json", folder.PathOf("a1.txtpb"),
                                              folder.PathOf("a10.txtpb"), folder.PathOf("b.json"),
                                              folder.PathOf("c.binpb"), folder.PathOf("b.json")}));
}

TEST(SubmissionFiles, AFolderWithoutSubmissionsIsAnError) {
  const TemporaryFolder folder;
  folder.Write("README.md", "x");
  std::filesystem::create_directory(folder.PathOf("empty"));
  for (const std::string& path : {folder.PathOf("empty"), folder.PathOf("")}) {
    const absl::Status status = ListSubmissionFiles({"first.json", path}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_TRUE(std::string(status.message()).starts_with(path + ": no submission in this folder;"))
        << status;
  }
}

}  // namespace
}  // namespace gradus
