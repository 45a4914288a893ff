# Every library from outside, in one place.
#
# Debian 12's protobuf has no CMake package file of its own, newer ones do: prefer that where it exists,
# fall back to CMake's FindProtobuf.
set(CMAKE_FIND_PACKAGE_PREFER_CONFIG TRUE)

find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(Eigen3 CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(muparser CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(OpenSSL REQUIRED)
# Has no CMake package file.
find_package(PkgConfig REQUIRED)
pkg_check_modules(libjwt REQUIRED IMPORTED_TARGET libjwt)
if(GRADUS_BUILD_TESTS)
  find_package(GTest CONFIG REQUIRED)
  find_package(nlohmann_json CONFIG REQUIRED)
endif()

# Compiling through ccache makes switching branches and presets cheap.
find_program(GRADUS_CCACHE ccache)
if(GRADUS_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${GRADUS_CCACHE})
endif()
