#include "server/transport/machine.h"

#include <sys/resource.h>

#include "gtest/gtest.h"

namespace gradus {
namespace {

TEST(MachineTest, AQuotaLimitsTheCores) {
  EXPECT_EQ(CoresWithin(8, "200000 100000"), 2);
  EXPECT_EQ(CoresWithin(8, "150000 100000"), 2);
  EXPECT_EQ(CoresWithin(8, "50000 100000"), 1);
  EXPECT_EQ(CoresWithin(2, "800000 100000"), 2);
}

TEST(MachineTest, WithoutAQuotaAllCoresCount) {
  for (const char* none : {"max 100000", "-1 100000", "", "nonsense", "100000", "100000 0"}) {
    EXPECT_EQ(CoresWithin(8, none), 8) << none;
  }
  EXPECT_EQ(CoresWithin(0, ""), 1);
}

TEST(MachineTest, AtLeastOneCoreIsAvailable) { EXPECT_GE(AvailableCores(), 1); }

TEST(MachineTest, TheFileLimitIsRaisedToWhatIsAllowed) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low = {before.rlim_max / 2, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseFileLimit(), static_cast<int64_t>(before.rlim_max));
  rlimit after = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
}

}  // namespace
}  // namespace gradus
