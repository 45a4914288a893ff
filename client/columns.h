#ifndef GRADUS_CLIENT_COLUMNS_H_
#define GRADUS_CLIENT_COLUMNS_H_

#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// Characters of UTF-8 text, each of which is taken to fill one column of a terminal.
size_t DisplayWidth(std::string_view text);

// In front of what belongs to the line above it.
inline constexpr std::string_view kIndent = "  ";

// Lines of cells below each other, two blanks between columns, each line begun by `indent` and
// ended by a line break. A row may have fewer cells than others; one without cells is an empty
// line.
std::string AlignColumns(const std::vector<std::vector<std::string>>& rows,
                         std::string_view indent);

}  // namespace gradus

#endif  // GRADUS_CLIENT_COLUMNS_H_
