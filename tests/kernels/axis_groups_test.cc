#include "server/kernels/axis_groups.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

using Positions = std::vector<int64_t>;

std::vector<Positions> GroupsOf(const Shape& shape, const Shape& kept) {
  AxisGroups groups(shape, kept);
  std::vector<Positions> positions;
  for (int64_t group = 0; group < kept.element_count(); ++group) {
    Positions& in_group = positions.emplace_back(static_cast<size_t>(groups.size()));
    groups.ForEachElement([&](int64_t i, int64_t at) { in_group[static_cast<size_t>(i)] = at; });
    groups.NextGroup();
  }
  return positions;
}

TEST(AxisGroupsTest, OverEachChoiceOfAxes) {
  EXPECT_THAT(GroupsOf({2, 3}, {1, 3}),
              ElementsAre(Positions{0, 3}, Positions{1, 4}, Positions{2, 5}));
  EXPECT_THAT(GroupsOf({2, 3}, {2, 1}), ElementsAre(Positions{0, 1, 2}, Positions{3, 4, 5}));
  EXPECT_THAT(GroupsOf({2, 2, 2}, {1, 2, 1}),
              ElementsAre(Positions{0, 1, 4, 5}, Positions{2, 3, 6, 7}));
  EXPECT_THAT(GroupsOf({2, 2}, {1, 1}), ElementsAre(Positions{0, 1, 2, 3}));
}

TEST(AxisGroupsTest, OfOneElement) {
  EXPECT_THAT(GroupsOf({2, 1}, {2, 1}), ElementsAre(Positions{0}, Positions{1}));
  EXPECT_THAT(GroupsOf({}, {}), ElementsAre(Positions{0}));
}

}  // namespace
}  // namespace gradus
