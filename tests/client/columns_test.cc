#include "client/columns.h"

#include <gtest/gtest.h>

namespace gradus {
namespace {

TEST(Columns, ArePaddedToTheWidestCell) {
  EXPECT_EQ(AlignColumns({{"a", "bb", "c"}, {"aaa", "b", "ccc"}}, ""),
            "a    bb  c\n"
            "aaa  b   ccc\n");
}

TEST(Columns, LinesAreIndentedAndEndWithoutBlanks) {
  EXPECT_EQ(AlignColumns({{"a", "b"}, {}, {"aaa", ""}}, "  "),
            "  a    b\n"
            "\n"
            "  aaa\n");
}

TEST(Columns, CharactersCountNotBytes) {
  EXPECT_EQ(DisplayWidth("∂L/∂w"), 5u);
  EXPECT_EQ(AlignColumns({{"σ'(z)", "1"}, {"h", "2"}}, ""),
            "σ'(z)  1\n"
            "h      2\n");
}

}  // namespace
}  // namespace gradus
