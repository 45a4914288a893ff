#include "server/ops/pooling.h"

namespace gradus {
namespace {

struct AvgPool1d : AvgPoolFamily<AvgPool1d> {
  static constexpr auto kCase = v1::Node::kAvgPool1D;

  static PoolingAttributes Attributes(const v1::Node& node) {
    return ReadPooling(OpOf<AvgPool1d>().name(), 1, node.avg_pool1d());
  }
  static bool CountsPadding(const v1::Node& node) {
    const v1::AvgPool1d& message = node.avg_pool1d();
    return !message.has_count_include_pad() || message.count_include_pad();
  }
};

}  // namespace

const Op& AvgPool1dOp() { return OpOf<AvgPool1d>(); }

}  // namespace gradus
