#include "server/transport/compute_pool.h"

#include <atomic>
#include <latch>

#include "gtest/gtest.h"

namespace gradus {
namespace {

TEST(ComputePoolTest, RunsEveryJobItTook) {
  std::atomic<int> done = 0;
  int taken = 0;
  {
    ComputePool pool(3, 1000);
    for (int i = 0; i < 1000; ++i) taken += pool.TrySubmit([&] { ++done; }) ? 1 : 0;
  }
  EXPECT_EQ(taken, 1000);
  EXPECT_EQ(done, taken);
}

TEST(ComputePoolTest, RefusesAtOnceWhenFullButForWhatHasToGoOn) {
  std::latch started(1);
  std::latch release(1);
  std::atomic<int> done = 0;
  {
    ComputePool pool(1, 2);
    // One job that holds the worker, two that fill the queue.
    EXPECT_TRUE(pool.TrySubmit([&] {
      started.count_down();
      release.wait();
      ++done;
    }));
    started.wait();
    EXPECT_TRUE(pool.TrySubmit([&] { ++done; }));
    EXPECT_TRUE(pool.TrySubmit([&] { ++done; }));
    EXPECT_FALSE(pool.TrySubmit([&] { done += 100; }));
    pool.Submit([&] { done += 10; });
    EXPECT_FALSE(pool.TrySubmit([&] { done += 100; }));
    release.count_down();
  }
  EXPECT_EQ(done, 13);
}

TEST(ComputePoolTest, SaysHowBusyItIs) {
  std::latch started(2);
  std::latch done(3);
  std::latch release(1);
  std::atomic<int> waits = 0;
  std::atomic<int> negative_waits = 0;
  ComputePool pool(2, 10, [&](ComputePool::Wait wait) {
    ++waits;
    if (wait < ComputePool::Wait::zero()) ++negative_waits;
  });
  EXPECT_EQ(pool.queue_capacity(), 10U);
  EXPECT_EQ(pool.CurrentLoad().queued_jobs, 0U);
  EXPECT_EQ(pool.CurrentLoad().busy_workers, 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(pool.TrySubmit([&] {
      started.count_down();
      release.wait();
    }));
  }
  started.wait();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.TrySubmit([&] { done.count_down(); }));
  EXPECT_EQ(pool.CurrentLoad().queued_jobs, 3U);
  EXPECT_EQ(pool.CurrentLoad().busy_workers, 2);
  EXPECT_EQ(waits, 2);
  release.count_down();
  done.wait();
  EXPECT_EQ(pool.CurrentLoad().queued_jobs, 0U);
  EXPECT_EQ(waits, 5);
  EXPECT_EQ(negative_waits, 0);
}

}  // namespace
}  // namespace gradus
