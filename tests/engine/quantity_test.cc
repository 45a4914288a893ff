#include "server/engine/quantity.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

TEST(ParseAddressTest, ReadsEveryKind) {
  struct Case {
    const char* text;
    const char* canonical;
    QuantityKind kind;
  };
  const std::vector<Case> cases = {
      {"h", "h", QuantityKind::kValue},
      {"fc1.W", "fc1.W", QuantityKind::kValue},
      {"h[0,1]", "h[0,1]", QuantityKind::kValue},
      {"L[]", "L[]", QuantityKind::kValue},
      {"L@1", "L@1", QuantityKind::kValue},
      {"L@0", "L", QuantityKind::kValue},
      {"slope(h)", "slope(h)", QuantityKind::kSlope},
      {"grad(W1)[0,1]", "grad(W1)[0,1]", QuantityKind::kGradient},
      {"grad(W1)@2[0,1]", "grad(W1)@2[0,1]", QuantityKind::kGradient},
      {" grad ( W1 ) @ 2 [ 0 , 1 ] ", "grad(W1)@2[0,1]", QuantityKind::kGradient},
      {"next(W1)", "next(W1)", QuantityKind::kNext},
      {"state(W1).m", "state(W1).m", QuantityKind::kState},
      // The words of the grammar are names too, where no parenthesis follows.
      {"grad", "grad", QuantityKind::kValue},
      {"grad(grad)", "grad(grad)", QuantityKind::kGradient},
  };
  for (const Case& c : cases) {
    const auto address = ParseAddress(c.text);
    ASSERT_TRUE(address.ok()) << c.text << ": " << address.status();
    EXPECT_EQ(address->kind, c.kind) << c.text;
    EXPECT_EQ(FormatAddress(*address), c.canonical);
  }
}

TEST(ParseAddressTest, SaysWhatIsWrongAndWhere) {
  struct Case {
    const char* text;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"", "expected a name at column 1 of ''"},
      {"1h", "expected a name at column 1 of '1h'"},
      {"h h", "expected the end at column 3 of 'h h'"},
      {"h[", "expected an index, 0 or more at column 3 of 'h['"},
      {"h[-1]", "expected an index, 0 or more at column 3 of 'h[-1]'"},
      {"h[1", "expected ',' or ']' at column 4 of 'h[1'"},
      {"h[99999999999999999999]",
       "expected an index, 0 or more at column 3 of 'h[99999999999999999999]'"},
      {"h@", "expected a count of updates at column 3 of 'h@'"},
      {"h@-1", "expected a count of updates at column 3 of 'h@-1'"},
      {"h[0]@1", "expected the end at column 5 of 'h[0]@1'"},
      {"grad(", "expected a name at column 6 of 'grad('"},
      {"grad(W", "expected ')' at column 7 of 'grad(W'"},
      {"delta(W)", "'delta' in 'delta(W)' is none of slope, grad, next and state"},
      {"state(W)", "expected '.' and the name of a slot at column 9 of 'state(W)'"},
  };
  for (const Case& c : cases) {
    const auto address = ParseAddress(c.text);
    ASSERT_FALSE(address.ok()) << c.text;
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(address.status().message(), c.message);
  }
}

TEST(ParseAddressTest, RefusesLongTextUnread) {
  const auto address = ParseAddress(std::string(100'000, '('));
  EXPECT_EQ(address.status().message(),
            "an address has at most 512 characters, this one has 100000");
}

TEST(IsNameTest, FollowsTheGrammar) {
  for (const char* name : {"a", "_", "W1", "fc1.W", "a.b.c", "A_9."})
    EXPECT_TRUE(IsName(name)) << name;
  for (const char* name : {"", "1a", ".a", "a b", "a-b", "a(", "\u00e9"})
    EXPECT_FALSE(IsName(name)) << name;
  EXPECT_TRUE(IsName(std::string(128, 'a')));
  EXPECT_FALSE(IsName(std::string(129, 'a')));
}

}  // namespace
}  // namespace gradus
