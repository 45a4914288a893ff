#ifndef GRADUS_TESTS_SUPPORT_PROJECT_FILE_H_
#define GRADUS_TESTS_SUPPORT_PROJECT_FILE_H_

#include <string>

namespace gradus::testing {

// Where a file or folder of the project is, by its path from the root.
std::string ProjectFile(const std::string& path);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_PROJECT_FILE_H_
