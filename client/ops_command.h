#ifndef GRADUS_CLIENT_OPS_COMMAND_H_
#define GRADUS_CLIENT_OPS_COMMAND_H_

#include <string>

#include "client/connection.h"
#include "client/console.h"
#include "gradus/v1/gradient_service.pb.h"

namespace gradus {

enum class OpsFormat { kText, kJson, kMarkdown };

struct OpsOptions {
  std::string name;  // empty: all
  OpsFormat format = OpsFormat::kText;
  ConnectionOptions connection;
};

// gradus ops: what ops there are, one line each; or all about one.
ExitCode RunOps(const OpsOptions& options);

// Everything about one op, in lines of at most 100 characters.
std::string OpText(const v1::OpDescription& op);

// docs/ops.md: everything about all of them.
std::string OpsMarkdown(const v1::ListOpsResponse& response);

}  // namespace gradus

#endif  // GRADUS_CLIENT_OPS_COMMAND_H_
