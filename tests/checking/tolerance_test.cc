#include "server/checking/tolerance.h"

#include <limits>

#include "gtest/gtest.h"

#include "fmt/format.h"

namespace gradus {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();

TEST(IsNearTest, KeepsItsRule) {
  const struct {
    double x;
    double reference;
    Tolerance tolerance;
    bool near;
  } kCases[] = {
      // Without a tolerance: equality. Zero has no sign.
      {1, 1, {}, true},
      {1, 1 + 0x1p-52, {}, false},
      {0, 0, {}, true},
      {-0.0, 0, {}, true},
      {kTiny, 0, {}, false},

      // The relative part is relative to the reference. All of these are exact in binary.
      {1.25, 1, {0.25, 0}, true},
      {0.75, 1, {0.25, 0}, true},
      {1.251, 1, {0.25, 0}, false},
      {0.749, 1, {0.25, 0}, false},
      {-1.25, -1, {0.25, 0}, true},
      {1, -1, {0.25, 0}, false},
      {1, 1.25, {0.25, 0}, true},
      {1, 2, {0.5, 0}, true},
      {2, 1, {0.5, 0}, false},
      {5e-300, 4e-300, {0.25, 0}, true},
      {6e-300, 4e-300, {0.25, 0}, false},

      // At a reference of 0 only the floor is left.
      {1e-12, 0, {0.5, 0}, false},
      {0.25, 0, {0, 0.25}, true},
      {-0.25, 0, {0, 0.25}, true},
      {0.26, 0, {0, 0.25}, false},

      // Both parts add up.
      {1.75, 1, {0.25, 0.5}, true},
      {1.76, 1, {0.25, 0.5}, false},

      // NaN and infinity are near nothing, themselves included, under any tolerance.
      {kNan, 1, {1, 1}, false},
      {1, kNan, {1, 1}, false},
      {kNan, kNan, {1, 1}, false},
      {kInfinity, 1, {1, 1}, false},
      {1, kInfinity, {1, 1}, false},
      {kInfinity, kInfinity, {1, 1}, false},
      {-kInfinity, kInfinity, {1, 1}, false},
      {kInfinity, kMax, {1, kInfinity}, false},

      // The ends of the number line.
      {kMax, kMax, {}, true},
      {-kMax, kMax, {1, 0}, false},  // the difference overflows
      {kTiny, kTiny, {}, true},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(IsNear(c.x, c.reference, c.tolerance), c.near)
        << fmt::format("{} and {}, relative {}, absolute {}", c.x, c.reference,
                       c.tolerance.relative, c.tolerance.absolute);
  }
}

}  // namespace
}  // namespace gradus
