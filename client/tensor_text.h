#ifndef GRADUS_CLIENT_TENSOR_TEXT_H_
#define GRADUS_CLIENT_TENSOR_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "gradus/v1/tensor.pb.h"

namespace gradus {

// The numbers of a tensor as lines for people, up to six significant digits each: a scalar as its
// number, a vector in brackets, a matrix as one such line per row, its columns aligned at the
// decimal point. With more axes, the matrices follow each other, each below its index: "[1, :, :]".
//
// Never more than 8 numbers in a line, 8 rows of a matrix and 16 rows in all; what is left out is
// counted: "... 990 more". INTERNAL if numbers and shape do not belong together.
absl::StatusOr<std::vector<std::string>> TensorLines(const v1::Tensor& tensor);

}  // namespace gradus

#endif  // GRADUS_CLIENT_TENSOR_TEXT_H_
