#ifndef GRADUS_SERVER_OPS_SHAPE_ATTRIBUTE_H_
#define GRADUS_SERVER_OPS_SHAPE_ATTRIBUTE_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/repeated_field.h"

#include "server/tensor/shape.h"

namespace gradus {

// May one entry of a shape be -1, for a length that others decide?
enum class UnknownLength { kRefuse, kAllow };

// The shape in an attribute; a FieldError at `field` if it has too many axes, or a length below 1.
absl::StatusOr<Shape> ReadShapeAttribute(const google::protobuf::RepeatedField<int64_t>& lengths,
                                         std::string_view field, UnknownLength unknown_length);

// A FieldError if an output would have more axes than a tensor can have.
absl::Status CheckOutputRank(int64_t rank, std::string_view field);

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_SHAPE_ATTRIBUTE_H_
