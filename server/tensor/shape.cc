#include "server/tensor/shape.h"

#include <algorithm>

#include "fmt/format.h"
#include "fmt/ranges.h"

namespace gradus {

Shape::Shape(std::initializer_list<int64_t> lengths)
    : Shape(std::span<const int64_t>(lengths.begin(), lengths.size())) {}

Shape::Shape(std::span<const int64_t> lengths) : rank_(static_cast<int>(lengths.size())) {
  std::copy(lengths.begin(), lengths.end(), lengths_.begin());
}

void Shape::Append(int64_t length) { lengths_[static_cast<size_t>(rank_++)] = length; }

Shape Shape::Slice(int begin, int end) const {
  return Shape(lengths().subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
}

int64_t Shape::element_count() const {
  int64_t count = 1;
  for (const int64_t length : lengths()) count *= length;
  return count;
}

std::string Shape::ToString() const {
  return fmt::format("[{}]", fmt::join(lengths().begin(), lengths().end(), ", "));
}

std::optional<int64_t> CheckedElementCount(std::span<const int64_t> lengths, int64_t limit) {
  int64_t count = 1;
  for (const int64_t length : lengths) {
    if (length > limit / count) return std::nullopt;
    count *= length;
  }
  return count;
}

}  // namespace gradus
