// What grading says of right work, and of planted mistakes, on random networks. grading_trials runs
// the same at length and writes its table into docs/grading.md.

#include "tests/grading/trials/trials.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/grading/trials/mistakes.h"

namespace gradus::testing {
namespace {

using ::testing::IsEmpty;

TEST(TrialsTest, RightWorkIsNeverAccusedAndMistakesAreFoundAndNamed) {
  const Trials trials = RunTrials(/*seed=*/7, /*count=*/4, /*places=*/1);
  EXPECT_THAT(trials.faults, IsEmpty());
  int64_t right = 0;
  for (const auto& [style, tally] : trials.right) {
    right += tally.works;
    EXPECT_EQ(tally.accused, 0) << style;
  }
  EXPECT_GT(right, 1'000);
  for (const PlantedMistake& mistake : PlantedMistakes()) {
    const auto tally = trials.planted.find(mistake.code);
    ASSERT_NE(tally, trials.planted.end()) << mistake.code << " was never planted";
    EXPECT_EQ(tally->second.Count(Outcome::kMissed), 0) << mistake.code;
  }
  const PlantedTally all = trials.AllPlanted();
  const int64_t named = all.Count(Outcome::kNamedAlone) + all.Count(Outcome::kTied);
  EXPECT_GT(all.visible(), 5'000);
  EXPECT_GE(static_cast<double>(named), 0.97 * static_cast<double>(all.visible()));
  // Few drown in the last digits; more would mean that windows have become wide.
  EXPECT_LE(static_cast<double>(all.Count(Outcome::kDrowned)),
            0.005 * static_cast<double>(all.visible()));
}

}  // namespace
}  // namespace gradus::testing
