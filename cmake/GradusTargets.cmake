# How targets of this project are made: one per folder, so that an upward call fails to link.

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

# Flags of all our own code. Generated code gets the interface part only (language and sanitizers).
add_library(gradus_language INTERFACE)
target_compile_features(gradus_language INTERFACE cxx_std_20)
if(GRADUS_SANITIZE)
  list(JOIN GRADUS_SANITIZE "," sanitizers)
  target_compile_options(gradus_language INTERFACE -fsanitize=${sanitizers}
                                                   -fno-sanitize-recover=all
                                                   -fno-omit-frame-pointer)
  target_link_options(gradus_language INTERFACE -fsanitize=${sanitizers})
endif()
if(GRADUS_FUZZ)
  # Tells the fuzzer which branches an input took. Costs other programs a little time and does nothing in them.
  target_compile_options(gradus_language INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(gradus_language INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(gradus_warnings INTERFACE)
target_compile_options(
  gradus_warnings
  INTERFACE
    -Wall
    -Wextra
    $<$<BOOL:${GRADUS_WARNINGS_AS_ERRORS}>:-Werror>
    # GCC 12 sees overlaps that are none in `text + string` (https://gcc.gnu.org/PR105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)

# gradus_library(NAME SOURCES file... DEPENDS target...)
#
# The library of one folder. Include paths start at the root of the project.
function(gradus_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(
    ${name}
    PUBLIC gradus_language ${arg_DEPENDS}
    PRIVATE $<BUILD_INTERFACE:gradus_warnings>)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${GRADUS_UNITY_BUILD} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# gradus_test(NAME [AS_ONE] SOURCES file... DEPENDS target...)
#
# A GoogleTest program, each of its tests a ctest test; or AS_ONE, where a table takes long to load, and with
# sanitizers, where starting a program does. A test links the layer that it tests and what is below it, never more.
# Its own files are not optimised: they are compiled far more often than they run long.
function(gradus_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "AS_ONE" "" "SOURCES;DEPENDS")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE gradus_language gradus_warnings gradus_project_file
                                        GTest::gmock_main ${arg_DEPENDS})
  target_compile_options(${name} PRIVATE -O0)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(arg_AS_ONE OR GRADUS_SANITIZE)
    add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES TIMEOUT 900)
    return()
  endif()
  gtest_discover_tests(
    ${name}
    NO_PRETTY_VALUES
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 120)
endfunction()
