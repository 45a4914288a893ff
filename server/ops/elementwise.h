#ifndef GRADUS_SERVER_OPS_ELEMENTWISE_H_
#define GRADUS_SERVER_OPS_ELEMENTWISE_H_

#include "absl/status/statusor.h"

#include "server/ops/op.h"
#include "server/tensor/shape.h"

namespace gradus {

// Shape of an elementwise op over operands that broadcast, or a FieldError with both shapes.
absl::StatusOr<Shape> InferBroadcastShape(const ShapeCall& call);

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_ELEMENTWISE_H_
