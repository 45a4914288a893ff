#include "server/ops/pooling.h"

namespace gradus {
namespace {

struct MaxPool2d : MaxPoolFamily<MaxPool2d> {
  static constexpr auto kCase = v1::Node::kMaxPool2D;

  static PoolingAttributes Attributes(const v1::Node& node) {
    return ReadPooling(OpOf<MaxPool2d>().name(), 2, node.max_pool2d());
  }
};

}  // namespace

const Op& MaxPool2dOp() { return OpOf<MaxPool2d>(); }

}  // namespace gradus
