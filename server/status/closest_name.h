#ifndef GRADUS_SERVER_STATUS_CLOSEST_NAME_H_
#define GRADUS_SERVER_STATUS_CLOSEST_NAME_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gradus {

// The one of `names` that `name` was most likely meant to be: the first of those that the fewest
// single characters, put in, left out or exchanged, turn it into. nullopt if that takes more than a
// third of its characters: then it is no typing mistake. Names longer than 256 are never close.
std::optional<std::string> ClosestName(std::string_view name, std::span<const std::string> names);

}  // namespace gradus

#endif  // GRADUS_SERVER_STATUS_CLOSEST_NAME_H_
