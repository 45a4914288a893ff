#include "server/transport/libraries.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::HasSubstr;

TEST(LibrariesTest, EachHasAVersion) {
  for (const std::string name :
       {"gRPC", "protobuf", "Abseil", "spdlog", "fmt", "Eigen", "muParser"}) {
    EXPECT_THAT("\n" + LibraryVersions(),
                ::testing::ContainsRegex("\n" + name + " [0-9]+[.][0-9]"));
  }
}

TEST(LibrariesTest, WarnsOfAnOldGrpc) {
  for (const char* old : {"1.51.1", "1.65.3", "1.65", "1.9.9", "0.99.99", "?"}) {
    EXPECT_THAT(GrpcWarning(old), HasSubstr(std::string("gRPC ") + old + " is older")) << old;
  }
  for (const char* sound : {"1.65.4", "1.65.10", "1.66.0", "1.100.0-dev", "2.0.0"}) {
    EXPECT_EQ(GrpcWarning(sound), "") << sound;
  }
}

}  // namespace
}  // namespace gradus
