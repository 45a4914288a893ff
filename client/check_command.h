#ifndef GRADUS_CLIENT_CHECK_COMMAND_H_
#define GRADUS_CLIENT_CHECK_COMMAND_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/connection.h"
#include "client/console.h"
#include "gradus/v1/gradient_service.pb.h"

namespace gradus {

// What the methods are called on the command line, and in what it prints.
inline constexpr std::pair<std::string_view, v1::CheckMethod> kCheckMethods[] = {
    {"forward", v1::CHECK_METHOD_FORWARD_MODE},
    {"central", v1::CHECK_METHOD_CENTRAL_DIFFERENCE},
    {"random", v1::CHECK_METHOD_RANDOM_DIRECTION},
    {"taylor", v1::CHECK_METHOD_TAYLOR},
};

struct CheckCommandOptions {
  std::string problem;                   // path of the file
  std::string gradients;                 // path of a CheckRequest with gradients only; empty: none
  std::vector<v1::CheckMethod> methods;  // empty: the server's default
  std::vector<std::string> only;         // addresses
  double relative_tolerance = 0;         // 0: the server's default
  uint64_t seed = 0;
  bool json = false;  // the CheckResponse instead of a table
  ConnectionOptions connection;
};

// gradus check: compares gradients with independent methods. Ends with kDiffers if one is wrong,
// with kDone also where a method cannot tell.
ExitCode RunCheck(const CheckCommandOptions& options);

// The results of a check as a table for people, and how many there are of each kind.
std::string CheckTable(const v1::CheckResponse& response);

}  // namespace gradus

#endif  // GRADUS_CLIENT_CHECK_COMMAND_H_
