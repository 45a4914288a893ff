#include "server/transport/compute_pool.h"

#include <atomic>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/random.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A pool of one worker that is held, so that what is submitted waits.
class HeldPool {
 public:
  explicit HeldPool(size_t queue_capacity)
      : pool_(std::make_unique<ComputePool>(1, queue_capacity)) {
    pool_->Submit("holder", [this] {
      started_.count_down();
      release_.wait();
    });
    started_.wait();
  }

  // Submits a job that says its name.
  bool TrySubmit(const std::string& caller, const std::string& job) {
    return pool_->TrySubmit(caller, JobOf(job));
  }
  bool SubmitIfRoom(const std::string& caller, const std::string& job) {
    return pool_->SubmitIfRoom(caller, JobOf(job));
  }
  void Submit(const std::string& caller, const std::string& job) {
    pool_->Submit(caller, JobOf(job).run);
  }

  ComputePool& pool() { return *pool_; }

  // Lets it run what waits, until all is done.
  void Release() {
    release_.count_down();
    pool_.reset();
  }
  // Once it is done: jobs in the order in which they ran, and those that were pushed out.
  const std::vector<std::string>& run() const { return run_; }
  const std::vector<std::string>& refused() const { return refused_; }

 private:
  ComputePool::Job JobOf(const std::string& job) {
    return {.run = [this, job] { run_.push_back(job); },
            .refuse = [this, job] { refused_.push_back(job); }};
  }

  std::latch started_{1};
  std::latch release_{1};
  std::vector<std::string> run_;      // of the worker
  std::vector<std::string> refused_;  // of the thread that refuses
  std::unique_ptr<ComputePool> pool_;
};

TEST(ComputePoolTest, RunsEveryJobItTook) {
  std::atomic<int> done = 0;
  int taken = 0;
  {
    ComputePool pool(3, 1000);
    for (int i = 0; i < 1000; ++i) {
      taken += pool.TrySubmit("a", {.run = [&] { ++done; }, .refuse = [&] { done += 10'000; }});
    }
  }
  EXPECT_EQ(taken, 1000);
  EXPECT_EQ(done, taken);
}

TEST(ComputePoolTest, RefusesAtOnceWhenFullButForWhatHasToGoOn) {
  HeldPool pool(2);
  EXPECT_TRUE(pool.TrySubmit("a", "1"));
  EXPECT_TRUE(pool.TrySubmit("a", "2"));
  EXPECT_FALSE(pool.TrySubmit("a", "3"));
  EXPECT_FALSE(pool.SubmitIfRoom("a", "4"));
  pool.Submit("a", "5");
  EXPECT_FALSE(pool.TrySubmit("a", "6"));
  pool.Release();
  EXPECT_THAT(pool.run(), ElementsAre("1", "2", "5"));
  EXPECT_THAT(pool.refused(), IsEmpty());
}

TEST(ComputePoolTest, CallersTakeTurns) {
  HeldPool pool(100);
  for (const std::string job : {"a1", "a2", "a3", "b1", "b2", "c1", "a4", "c2"}) {
    EXPECT_TRUE(pool.TrySubmit(job.substr(0, 1), job));
  }
  pool.Release();
  EXPECT_THAT(pool.run(), ElementsAre("a1", "b1", "c1", "a2", "b2", "c2", "a3", "a4"));
}

TEST(ComputePoolTest, TheNewestJobOfTheLongestQueueMakesRoom) {
  HeldPool pool(4);
  for (const std::string job : {"a1", "b1", "b2", "b3"}) {
    EXPECT_TRUE(pool.TrySubmit(job.substr(0, 1), job));
  }
  EXPECT_FALSE(pool.TrySubmit("b", "b4"));     // has most itself
  EXPECT_FALSE(pool.SubmitIfRoom("c", "c0"));  // pushes nothing out
  EXPECT_TRUE(pool.TrySubmit("c", "c1"));      // for b3
  EXPECT_TRUE(pool.TrySubmit("a", "a2"));      // for b2
  EXPECT_FALSE(pool.TrySubmit("a", "a3"));
  EXPECT_TRUE(pool.TrySubmit("d", "d1"));  // for a2
  EXPECT_TRUE(pool.TrySubmit("e", "e1"));  // for a1, as all have one
  EXPECT_EQ(pool.pool().CurrentLoad().queued_jobs, 4U);
  pool.Release();
  EXPECT_THAT(pool.run(), ElementsAre("b1", "c1", "d1", "e1"));
  EXPECT_THAT(pool.refused(), ElementsAre("b3", "b2", "a2", "a1"));
}

// Calls of many jobs have one each that cannot be pushed out, and takes no room from others.
TEST(ComputePoolTest, WhatHasToGoOnIsNeitherPushedOutNorInTheWay) {
  HeldPool pool(1);
  for (const std::string job : {"a1", "a2", "a3"}) pool.Submit("a", job);
  EXPECT_TRUE(pool.TrySubmit("b", "b1"));
  EXPECT_FALSE(pool.TrySubmit("b", "b2"));
  EXPECT_TRUE(pool.TrySubmit("c", "c1"));  // for b1, and not for one of a's
  pool.Release();
  EXPECT_THAT(pool.run(), ElementsAre("a1", "c1", "a2", "a3"));
  EXPECT_THAT(pool.refused(), ElementsAre("b1"));
}

// Whoever is pushed out may submit again at once, and whoever pushes out may hold locks.
TEST(ComputePoolTest, ARefusalMaySubmitAndWaitForLocks) {
  std::mutex mutex;
  std::latch refused(1);
  std::latch started(1);
  std::latch release(1);
  std::atomic<int> run = 0;
  {
    ComputePool pool(1, 1);
    pool.Submit("holder", [&] {
      started.count_down();
      release.wait();
    });
    started.wait();
    EXPECT_TRUE(pool.TrySubmit("a", {.run = [&] { run += 100; },
                                     .refuse =
                                         [&] {
                                           const std::lock_guard lock(mutex);
                                           pool.Submit("a", [&] { ++run; });
                                           refused.count_down();
                                         }}));
    {
      const std::lock_guard lock(mutex);
      EXPECT_TRUE(pool.TrySubmit("b", {.run = [&] { run += 10; }, .refuse = [] {}}));
    }
    refused.wait();
    release.count_down();
  }
  EXPECT_EQ(run, 11);
}

// Callers of all kinds from several threads: each job that was taken ends once, in one of two ways,
// and jobs of one caller, who uses one thread, begin in their order.
TEST(ComputePoolTest, EveryJobEndsOnceWhateverIsPushedOut) {
  constexpr int kThreads = 4;
  constexpr int kJobs = 2000;
  for (const int workers : {1, 3}) {
    struct Outcome {
      std::atomic<int> run = 0;
      std::atomic<int> refused = 0;
      bool taken = false;
    };
    std::vector<std::vector<Outcome>> outcomes(kThreads);
    for (auto& of_thread : outcomes) of_thread = std::vector<Outcome>(kJobs);
    std::atomic<int> out_of_order = 0;
    {
      std::vector<std::atomic<int>> last(kThreads);
      ComputePool pool(workers, 5);
      std::vector<std::thread> threads;
      for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
          testing::Random random(static_cast<uint64_t>(thread));
          for (int job = 0; job < kJobs; ++job) {
            Outcome& outcome = outcomes[static_cast<size_t>(thread)][static_cast<size_t>(job)];
            const auto run = [&, thread, job] {
              ++outcome.run;
              if (last[static_cast<size_t>(thread)].exchange(job) > job) ++out_of_order;
            };
            const std::string caller(1, static_cast<char>('a' + thread));
            const auto refuse = [&] { ++outcome.refused; };
            switch (random.Below(8)) {
              case 0:
                pool.Submit(caller, run);
                outcome.taken = true;
                break;
              case 1:
                outcome.taken = pool.SubmitIfRoom(caller, {.run = run, .refuse = refuse});
                break;
              default:
                outcome.taken = pool.TrySubmit(caller, {.run = run, .refuse = refuse});
            }
            // The first thread floods, the others pause.
            if (thread > 0 && random.Below(3) == 0) std::this_thread::yield();
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
    for (const auto& of_thread : outcomes) {
      for (const Outcome& outcome : of_thread) {
        ASSERT_EQ(outcome.run + outcome.refused, outcome.taken ? 1 : 0);
      }
    }
    if (workers == 1) {
      EXPECT_EQ(out_of_order, 0);
    }
  }
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
    pool.Submit("a", [&] {
      started.count_down();
      release.wait();
    });
  }
  started.wait();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(pool.TrySubmit("a", {.run = [&] { done.count_down(); }, .refuse = [] {}}));
  }
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
