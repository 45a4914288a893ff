#include "server/ops/pooling.h"

namespace gradus {
namespace {

struct AvgPool2d : AvgPoolFamily<AvgPool2d> {
  static constexpr auto kCase = v1::Node::kAvgPool2D;

  static PoolingAttributes Attributes(const v1::Node& node) {
    return ReadPooling(OpOf<AvgPool2d>().name(), 2, node.avg_pool2d());
  }
  static bool CountsPadding(const v1::Node& node) {
    const v1::AvgPool2d& message = node.avg_pool2d();
    return !message.has_count_include_pad() || message.count_include_pad();
  }
};

}  // namespace

const Op& AvgPool2dOp() { return OpOf<AvgPool2d>(); }

}  // namespace gradus
