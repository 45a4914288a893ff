#ifndef GRADUS_SERVER_STATUS_TEXT_H_
#define GRADUS_SERVER_STATUS_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace gradus {

// The beginning of UTF-8 text, at most `max_bytes` of it, cut between characters.
std::string_view CutUtf8(std::string_view text, size_t max_bytes);

// UTF-8 text that a client made, fit for a message: cut to `max_bytes` with "..." behind, and '?'
// for control characters, which would forge lines in a terminal or a log.
std::string Printable(std::string_view text, size_t max_bytes);

}  // namespace gradus

#endif  // GRADUS_SERVER_STATUS_TEXT_H_
