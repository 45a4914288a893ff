#include <algorithm>

#include "fmt/format.h"
#include "server/ops/same_numbers.h"
#include "server/ops/shape_attribute.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Reshape : SameNumbers {
  static constexpr auto kCase = v1::Node::kReshape;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const absl::StatusOr<Shape> shape =
        ReadShapeAttribute(call.node.reshape().shape(), "reshape.shape", UnknownLength::kAllow);
    if (!shape.ok()) return shape.status();
    Shape output = *shape;
    int unknown = -1;
    for (int axis = 0; axis < output.rank(); ++axis) {
      if (output[axis] != -1) continue;
      unknown = axis;
      output[axis] = 1;
    }
    const int64_t count = call.operands[0].element_count();
    const std::optional<int64_t> known = CheckedElementCount(output.lengths(), count);
    if (!known.has_value() || (unknown < 0 ? *known != count : count % *known != 0)) {
      return FieldError(
          "reshape.shape", Reason::kShapeMismatch,
          fmt::format("input of shape {} has {} element{} not fit {}", call.operands[0].ToString(),
                      count, count == 1 ? ", which does" : "s, which do", shape->ToString()));
    }
    if (unknown >= 0) output[unknown] = count / *known;
    return output;
  }
};

}  // namespace

const Op& ReshapeOp() { return OpOf<Reshape>(); }

}  // namespace gradus
