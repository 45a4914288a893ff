#ifndef GRADUS_SERVER_TRANSPORT_COMPUTE_POOL_H_
#define GRADUS_SERVER_TRANSPORT_COMPUTE_POOL_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gradus {

// A fixed number of threads behind a bounded queue. Computing happens here, so that gRPC's few
// threads stay free for health checks and cancellations.
//
// The queue is fair between callers, each of whom has a name (Call::TurnName). Jobs of one caller
// run in the order in which they came, and callers take turns, a job each: whoever has a thousand
// jobs waiting delays the others by one. When the queue is full, a caller with fewer jobs in it
// than another pushes out the newest one of the caller who has most (longest queue drop; McKenney,
// Stochastic Fairness Queueing, 1990).
class ComputePool {
 public:
  using Wait = std::chrono::steady_clock::duration;
  // How busy it is at one moment.
  struct Load {
    size_t queued_jobs = 0;
    int busy_workers = 0;
  };
  // Of each job that is taken, exactly one of the two runs, once. Neither must throw.
  struct Job {
    std::function<void()> run;
    // Instead of `run`, if the job is pushed out. Quick, as all of them share a thread; not the one
    // that pushes out, so it may take locks.
    std::function<void()> refuse;
  };

  // `on_begin`, unless empty, is told by the worker how long each job has waited. It must not
  // throw.
  ComputePool(int worker_count, size_t queue_capacity, std::function<void(Wait)> on_begin = {});
  // Runs what is queued, then joins the threads.
  ~ComputePool();

  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;

  // Queues a job. False, at once, if the queue is full and no other caller has more jobs in it; the
  // job is then dropped.
  [[nodiscard]] bool TrySubmit(const std::string& caller, Job job);
  // The same, but pushes nothing out: for further jobs of a call that has been admitted.
  [[nodiscard]] bool SubmitIfRoom(const std::string& caller, Job job);
  // Queues a job that takes no room and is never pushed out: for a call of many jobs that has been
  // admitted by TrySubmit, so that it goes on with no need to wait and try. Such a call has no more
  // than one of these in the queue, so there are never more of them than calls.
  void Submit(const std::string& caller, std::function<void()> run);

  int worker_count() const { return static_cast<int>(workers_.size()); }
  size_t queue_capacity() const { return queue_capacity_; }
  Load CurrentLoad() const;

 private:
  struct QueuedJob {
    Job job;
    std::chrono::steady_clock::time_point queued = std::chrono::steady_clock::now();
  };
  struct Queue {
    std::deque<QueuedJob> jobs;
    size_t taking_room = 0;  // of them
  };
  // By caller; none of them is empty.
  using Queues = std::map<std::string, Queue>;

  void Work();
  void Refuse();

  // The functions below are called with mutex_ held.

  bool HasRoom() const { return taking_room_ < queue_capacity_; }
  void Add(const std::string& caller, Job job);
  // Takes a job out of a queue, which the caller gives up if nothing is left in it.
  QueuedJob Remove(Queue& queue, const std::deque<QueuedJob>::iterator& at);
  // The next job in turn; there is one.
  QueuedJob Take();
  // Makes room for a job of this caller, if another has more.
  bool PushOut(const std::string& caller);

  const size_t queue_capacity_;
  const std::function<void(Wait)> on_begin_;
  mutable std::mutex mutex_;  // guards what follows, but for the threads
  std::condition_variable changed_;
  Queues queues_;
  std::deque<Queues::iterator> turns_;  // each of queues_ once, the next one first
  size_t queued_jobs_ = 0;              // in all queues_
  size_t taking_room_ = 0;              // of them
  int busy_workers_ = 0;
  bool stopping_ = false;
  std::condition_variable pushed_out_;
  std::deque<std::function<void()>> refusals_;  // that are to be run
  bool stopping_refusals_ = false;
  std::vector<std::thread> workers_;
  // Whoever submits a job may hold locks that a refusal waits for, so refusals have a thread.
  std::thread refuser_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_COMPUTE_POOL_H_
