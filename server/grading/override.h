#ifndef GRADUS_SERVER_GRADING_OVERRIDE_H_
#define GRADUS_SERVER_GRADING_OVERRIDE_H_

#include <utility>

#include "server/engine/graph.h"
#include "server/engine/world.h"
#include "server/tensor/tensor.h"

namespace gradus {

// Replaces a quantity in a world for as long as this lives.
template <class T>
class Override {
 public:
  Override(World<T>& world, const Quantity& q, Tensor<T> tensor)
      : place_(world.At(q)), kept_(std::exchange(place_, std::move(tensor))) {}
  ~Override() { place_ = std::move(kept_); }
  Override(const Override&) = delete;
  Override& operator=(const Override&) = delete;

 private:
  Tensor<T>& place_;
  Tensor<T> kept_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_OVERRIDE_H_
