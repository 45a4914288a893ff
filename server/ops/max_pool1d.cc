#include "server/ops/pooling.h"

namespace gradus {
namespace {

struct MaxPool1d : MaxPoolFamily<MaxPool1d> {
  static constexpr auto kCase = v1::Node::kMaxPool1D;

  static PoolingAttributes Attributes(const v1::Node& node) {
    return ReadPooling(OpOf<MaxPool1d>().name(), 1, node.max_pool1d());
  }
};

}  // namespace

const Op& MaxPool1dOp() { return OpOf<MaxPool1d>(); }

}  // namespace gradus
