# find_package(gradus CONFIG) gives gradus::proto, the messages and stubs of the contract
# ("gradus/v1/grading_service.grpc.pb.h"), and gradus::grading, the grader in this process ("gradus/grading.h").

include(CMakeFindDependencyMacro)

find_dependency(Threads)
# Debian 12's protobuf has no CMake package file of its own, newer ones do: those also say what else must be linked.
find_package(Protobuf QUIET CONFIG)
if(NOT Protobuf_FOUND)
  find_dependency(Protobuf)
endif()
find_dependency(gRPC CONFIG)
find_dependency(absl CONFIG)
find_dependency(fmt CONFIG)
find_dependency(muparser CONFIG)

include(${CMAKE_CURRENT_LIST_DIR}/gradus-targets.cmake)
