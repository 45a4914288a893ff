#include "server/ops/axes.h"
#include "server/ops/same_numbers.h"

namespace gradus {
namespace {

struct Flatten : SameNumbers {
  static constexpr auto kCase = v1::Node::kFlatten;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const Shape& x = call.operands[0];
    const v1::Flatten& attributes = call.node.flatten();
    if (!attributes.has_start_axis() && x.rank() == 1) return x;
    const absl::StatusOr<int> start = NormalizeAxis(
        attributes.has_start_axis() ? attributes.start_axis() : 1, x.rank(), "flatten.start_axis");
    if (!start.ok()) return start.status();
    Shape output = x.Slice(0, *start);
    output.Append(x.Slice(*start, x.rank()).element_count());
    return output;
  }
};

}  // namespace

const Op& FlattenOp() { return OpOf<Flatten>(); }

}  // namespace gradus
