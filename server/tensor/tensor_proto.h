#ifndef GRADUS_SERVER_TENSOR_TENSOR_PROTO_H_
#define GRADUS_SERVER_TENSOR_TENSOR_PROTO_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "gradus/v1/tensor.pb.h"
#include "server/tensor/shape.h"
#include "server/tensor/tensor.h"

namespace gradus {

// The shape of a message, checked against the count of its numbers and against `max_element_count`
// before anything is allocated. Errors are FieldErrors with paths relative to the message.
absl::StatusOr<Shape> ReadShape(const v1::Tensor& message, int64_t max_element_count);

// May numbers be NaN or infinite? Only what a student submitted may: it is judged, not computed
// with.
enum class NonFinite { kRefuse, kAllow };

// The numbers of a message whose shape ReadShape returned, rounded to T.
template <class T>
absl::StatusOr<Tensor<T>> ReadValues(const v1::Tensor& message, const Shape& shape,
                                     NonFinite non_finite = NonFinite::kRefuse);

// Replaces `message` by the tensor, in the given encoding.
template <class T>
void WriteTensor(const Tensor<T>& tensor, v1::TensorEncoding encoding, v1::Tensor* message);

}  // namespace gradus

#endif  // GRADUS_SERVER_TENSOR_TENSOR_PROTO_H_
