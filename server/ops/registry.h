#ifndef GRADUS_SERVER_OPS_REGISTRY_H_
#define GRADUS_SERVER_OPS_REGISTRY_H_

#include <span>

#include "gradus/v1/network.pb.h"
#include "server/ops/op.h"

namespace gradus {

// The op of a node, or nullptr if `op` is unset or unknown.
const Op* FindOp(v1::Node::OpCase op_case);

// Every op, in the order of registry.cc.
std::span<const Op* const> AllOps();

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_REGISTRY_H_
