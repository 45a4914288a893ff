#ifndef GRADUS_SERVER_TRANSPORT_COMPUTE_POOL_H_
#define GRADUS_SERVER_TRANSPORT_COMPUTE_POOL_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace gradus {

// A fixed number of threads behind a bounded queue. Computing happens here, so that gRPC's few
// threads stay free for health checks and cancellations.
class ComputePool {
 public:
  using Wait = std::chrono::steady_clock::duration;
  // How busy it is at one moment.
  struct Load {
    size_t queued_jobs = 0;
    int busy_workers = 0;
  };

  // `on_begin`, unless empty, is told by the worker how long each job has waited. It must not
  // throw.
  ComputePool(int worker_count, size_t queue_capacity, std::function<void(Wait)> on_begin = {});
  // Runs what is queued, then joins the workers.
  ~ComputePool();

  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;

  // Queues a job, which must not throw. False, at once, if the queue is full; the job is then not
  // run.
  [[nodiscard]] bool TrySubmit(std::function<void()> job);
  // Queues a job, which must not throw, also if the queue is full: for a call of many jobs that has
  // been admitted by TrySubmit, so that it goes on with no need to wait and try. Such a call has no
  // more than one of these in the queue, so there are never more of them than calls.
  void Submit(std::function<void()> job);

  int worker_count() const { return static_cast<int>(workers_.size()); }
  size_t queue_capacity() const { return queue_capacity_; }
  Load CurrentLoad() const;

 private:
  struct Job {
    std::function<void()> work;
    std::chrono::steady_clock::time_point queued = std::chrono::steady_clock::now();
  };

  void Work();

  const size_t queue_capacity_;
  const std::function<void(Wait)> on_begin_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;  // guarded by mutex_
  int busy_workers_ = 0;   // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::vector<std::thread> workers_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_COMPUTE_POOL_H_
