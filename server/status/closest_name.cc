#include "server/status/closest_name.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace gradus {
namespace {

constexpr size_t kMaxLength = 256;

// Levenshtein's distance: how many characters to put in, leave out or exchange.
size_t Distance(std::string_view a, std::string_view b) {
  // Of the beginnings of `b`, from what has been read of `a`.
  std::vector<size_t> distances(b.size() + 1);
  std::iota(distances.begin(), distances.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = distances[0];
    distances[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t exchanged = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = distances[j + 1];
      distances[j + 1] = std::min({exchanged, distances[j] + 1, diagonal + 1});
    }
  }
  return distances.back();
}

}  // namespace

std::optional<std::string> ClosestName(std::string_view name, std::span<const std::string> names) {
  if (name.size() > kMaxLength) return std::nullopt;
  std::optional<std::string> closest;
  size_t most = name.size() / 3;
  for (const std::string& known : names) {
    if (known.size() > kMaxLength || known.size() > name.size() + most ||
        name.size() > known.size() + most) {
      continue;
    }
    const size_t distance = Distance(name, known);
    if (distance > most || (closest.has_value() && distance == most)) continue;
    most = distance;
    closest = known;
  }
  return closest;
}

}  // namespace gradus
