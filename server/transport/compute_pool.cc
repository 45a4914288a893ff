#include "server/transport/compute_pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gradus {

namespace {

// Jobs that cannot be pushed out do not.
bool TakesRoom(const ComputePool::Job& job) { return job.refuse != nullptr; }

}  // namespace

ComputePool::ComputePool(int worker_count, size_t queue_capacity,
                         std::function<void(Wait)> on_begin)
    : queue_capacity_(queue_capacity), on_begin_(std::move(on_begin)) {
  workers_.reserve(static_cast<size_t>(worker_count));
  for (int i = 0; i < worker_count; ++i) workers_.emplace_back([this] { Work(); });
  refuser_ = std::thread([this] { Refuse(); });
}

ComputePool::~ComputePool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  {
    const std::lock_guard lock(mutex_);
    stopping_refusals_ = true;
  }
  pushed_out_.notify_one();
  refuser_.join();
}

bool ComputePool::TrySubmit(const std::string& caller, Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!HasRoom() && !PushOut(caller)) return false;
    Add(caller, std::move(job));
  }
  changed_.notify_one();
  return true;
}

bool ComputePool::SubmitIfRoom(const std::string& caller, Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!HasRoom()) return false;
    Add(caller, std::move(job));
  }
  changed_.notify_one();
  return true;
}

void ComputePool::Submit(const std::string& caller, std::function<void()> run) {
  {
    const std::lock_guard lock(mutex_);
    Add(caller, {.run = std::move(run), .refuse = {}});
  }
  changed_.notify_one();
}

void ComputePool::Add(const std::string& caller, Job job) {
  const auto [entry, is_new] = queues_.try_emplace(caller);
  if (is_new) turns_.push_back(entry);
  const size_t room = TakesRoom(job) ? 1 : 0;
  entry->second.taking_room += room;
  taking_room_ += room;
  ++queued_jobs_;
  entry->second.jobs.push_back({.job = std::move(job)});
}

ComputePool::QueuedJob ComputePool::Remove(Queue& queue,
                                           const std::deque<QueuedJob>::iterator& at) {
  QueuedJob job = std::move(*at);
  queue.jobs.erase(at);
  const size_t room = TakesRoom(job.job) ? 1 : 0;
  queue.taking_room -= room;
  taking_room_ -= room;
  --queued_jobs_;
  return job;
}

ComputePool::QueuedJob ComputePool::Take() {
  const Queues::iterator entry = turns_.front();
  Queue& queue = entry->second;
  QueuedJob job = Remove(queue, queue.jobs.begin());
  turns_.pop_front();
  if (queue.jobs.empty()) {
    queues_.erase(entry);
  } else {
    turns_.push_back(entry);
  }
  return job;
}

bool ComputePool::PushOut(const std::string& caller) {
  const auto longest = std::max_element(
      queues_.begin(), queues_.end(),
      [](const auto& a, const auto& b) { return a.second.taking_room < b.second.taking_room; });
  if (longest == queues_.end()) return false;
  const auto own = queues_.find(caller);
  Queue& queue = longest->second;
  if (queue.taking_room <= (own == queues_.end() ? 0 : own->second.taking_room)) return false;
  const auto newest = std::find_if(queue.jobs.rbegin(), queue.jobs.rend(),
                                   [](const QueuedJob& queued) { return TakesRoom(queued.job); });
  refusals_.push_back(Remove(queue, std::prev(newest.base())).job.refuse);
  if (queue.jobs.empty()) {
    turns_.erase(std::find(turns_.begin(), turns_.end(), longest));
    queues_.erase(longest);
  }
  pushed_out_.notify_one();
  return true;
}

void ComputePool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || queued_jobs_ > 0; });
    if (queued_jobs_ == 0) return;
    ++busy_workers_;
    {
      const QueuedJob job = Take();
      lock.unlock();
      if (on_begin_) on_begin_(std::chrono::steady_clock::now() - job.queued);
      job.job.run();
    }
    lock.lock();
    --busy_workers_;
  }
}

void ComputePool::Refuse() {
  std::unique_lock lock(mutex_);
  while (true) {
    pushed_out_.wait(lock, [this] { return stopping_refusals_ || !refusals_.empty(); });
    if (refusals_.empty()) return;
    const std::function<void()> refuse = std::move(refusals_.front());
    refusals_.pop_front();
    lock.unlock();
    refuse();
    lock.lock();
  }
}

ComputePool::Load ComputePool::CurrentLoad() const {
  const std::lock_guard lock(mutex_);
  return {.queued_jobs = queued_jobs_, .busy_workers = busy_workers_};
}

}  // namespace gradus
