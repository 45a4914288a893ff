#ifndef GRADUS_SERVER_TENSOR_SHAPE_H_
#define GRADUS_SERVER_TENSOR_SHAPE_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

namespace gradus {

// The lengths of a tensor's axes, outermost first; no axes for a scalar. A small value type: it
// never allocates.
class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> lengths);
  // `lengths` has at most kMaxRank entries.
  explicit Shape(std::span<const int64_t> lengths);

  int rank() const { return rank_; }
  std::span<const int64_t> lengths() const { return {lengths_.data(), static_cast<size_t>(rank_)}; }
  int64_t operator[](int axis) const { return lengths_[static_cast<size_t>(axis)]; }
  int64_t& operator[](int axis) { return lengths_[static_cast<size_t>(axis)]; }
  int64_t back() const { return lengths_[static_cast<size_t>(rank_ - 1)]; }

  // Adds an innermost axis. The rank stays at most kMaxRank.
  void Append(int64_t length);
  // The axes from `begin` up to, not including, `end`.
  Shape Slice(int begin, int end) const;

  // Product of the lengths; 1 for a scalar. Only for shapes that passed CheckedElementCount.
  int64_t element_count() const;

  // "[2, 3]", "[]" for a scalar.
  std::string ToString() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<int64_t, kMaxRank> lengths_ = {};  // entries from rank_ on are 0
  int rank_ = 0;
};

// Product of the lengths, or nullopt if it exceeds `limit`; never overflows. Lengths are positive.
std::optional<int64_t> CheckedElementCount(std::span<const int64_t> lengths, int64_t limit);

}  // namespace gradus

#endif  // GRADUS_SERVER_TENSOR_SHAPE_H_
