#include "server/transport/compute_pool.h"

#include <utility>

namespace gradus {

ComputePool::ComputePool(int worker_count, size_t queue_capacity,
                         std::function<void(Wait)> on_begin)
    : queue_capacity_(queue_capacity), on_begin_(std::move(on_begin)) {
  workers_.reserve(static_cast<size_t>(worker_count));
  for (int i = 0; i < worker_count; ++i) workers_.emplace_back([this] { Work(); });
}

ComputePool::~ComputePool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

bool ComputePool::TrySubmit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= queue_capacity_) return false;
    queue_.push_back({.work = std::move(job)});
  }
  changed_.notify_one();
  return true;
}

void ComputePool::Submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({.work = std::move(job)});
  }
  changed_.notify_one();
}

void ComputePool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    ++busy_workers_;
    {
      const Job job = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (on_begin_) on_begin_(std::chrono::steady_clock::now() - job.queued);
      job.work();
    }
    lock.lock();
    --busy_workers_;
  }
}

ComputePool::Load ComputePool::CurrentLoad() const {
  const std::lock_guard lock(mutex_);
  return {.queued_jobs = queue_.size(), .busy_workers = busy_workers_};
}

}  // namespace gradus
