#ifndef GRADUS_TESTS_SUPPORT_TEMPORARY_FOLDER_H_
#define GRADUS_TESTS_SUPPORT_TEMPORARY_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace gradus {

// A folder of one test, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(::testing::TempDir() + "gradus_XXXXXX") {
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::string PathOf(std::string_view name) const { return path_ + "/" + std::string(name); }

  // Makes a file, or replaces one, and returns its path.
  std::string Write(std::string_view name, std::string_view contents) const {
    std::ofstream(PathOf(name), std::ios::binary) << contents;
    return PathOf(name);
  }

 private:
  std::string path_;
};

}  // namespace gradus

#endif  // GRADUS_TESTS_SUPPORT_TEMPORARY_FOLDER_H_
