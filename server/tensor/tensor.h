#ifndef GRADUS_SERVER_TENSOR_TENSOR_H_
#define GRADUS_SERVER_TENSOR_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "server/tensor/shape.h"

namespace gradus {

// A dense array in row-major order, in one number system. A plain value: copying copies the
// numbers.
template <class T>
class Tensor {
 public:
  // A placeholder without numbers, to be assigned before it is read.
  Tensor() = default;
  // All zeros.
  explicit Tensor(const Shape& shape)
      : shape_(shape), values_(static_cast<size_t>(shape.element_count())) {}
  // `values` has as many entries as `shape` has elements.
  Tensor(const Shape& shape, std::vector<T> values) : shape_(shape), values_(std::move(values)) {}

  const Shape& shape() const { return shape_; }
  int64_t size() const { return static_cast<int64_t>(values_.size()); }
  const T* data() const { return values_.data(); }
  T* data() { return values_.data(); }
  const std::vector<T>& values() const { return values_; }
  // The element at a row-major position.
  const T& operator[](int64_t position) const { return values_[static_cast<size_t>(position)]; }
  T& operator[](int64_t position) { return values_[static_cast<size_t>(position)]; }

 private:
  Shape shape_;
  std::vector<T> values_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TENSOR_TENSOR_H_
