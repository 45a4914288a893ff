#ifndef GRADUS_SERVER_CHECKING_LIKELY_MISTAKE_H_
#define GRADUS_SERVER_CHECKING_LIKELY_MISTAKE_H_

#include <cstdint>
#include <span>
#include <string>

#include "server/tensor/tensor.h"

namespace gradus {

// What a wrong gradient looks like next to the right one: "the sign is wrong", "a factor of 2".
// Empty if nothing simple explains all elements. `lengths` are numbers that a factor may come from,
// such as the length of the batch.
std::string LikelyMistake(const Tensor<double>& analytic, const Tensor<double>& numeric,
                          std::span<const int64_t> lengths);

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_LIKELY_MISTAKE_H_
