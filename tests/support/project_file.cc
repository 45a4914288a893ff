#include "tests/support/project_file.h"

namespace gradus::testing {

std::string ProjectFile(const std::string& path) {
  return std::string(GRADUS_SOURCE_DIR) + "/" + path;
}

}  // namespace gradus::testing
