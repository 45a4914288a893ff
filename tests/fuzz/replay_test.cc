// Every input in tests/fuzz/corpus/ through its target, in every test run: what the fuzzer once
// failed on, and what it starts from.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/fuzz/target.h"
#include "tests/support/project_file.h"

namespace gradus::testing {

void PrintTo(const FuzzTarget& target, std::ostream* out) { *out << target.name; }

namespace {

const std::filesystem::path& Corpus() {
  static const std::filesystem::path corpus = ProjectFile("tests/fuzz/corpus");
  return corpus;
}

std::vector<std::filesystem::path> FilesIn(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator begin(folder);
  std::vector<std::filesystem::path> files(begin, {});
  std::sort(files.begin(), files.end());
  return files;
}

class ReplayTest : public ::testing::TestWithParam<FuzzTarget> {};

TEST_P(ReplayTest, EveryPromiseIsKept) {
  const std::vector<std::filesystem::path> files = FilesIn(Corpus() / GetParam().name);
  EXPECT_FALSE(files.empty());
  for (const std::filesystem::path& file : files) {
    std::stringstream input;
    input << std::ifstream(file, std::ios::binary).rdbuf();
    EXPECT_NO_THROW(GetParam().run(input.str())) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ReplayTest, ::testing::ValuesIn(FuzzTargets()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(CorpusTest, EveryFolderIsOfATarget) {
  std::vector<std::string> folders;
  for (const std::filesystem::path& folder : FilesIn(Corpus())) {
    folders.push_back(folder.filename().string());
  }
  std::vector<std::string> targets;
  for (const FuzzTarget& target : FuzzTargets()) targets.emplace_back(target.name);
  std::sort(targets.begin(), targets.end());
  EXPECT_EQ(folders, targets);
}

}  // namespace
}  // namespace gradus::testing
