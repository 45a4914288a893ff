#ifndef GRADUS_SERVER_TRANSPORT_GRADE_STREAM_H_
#define GRADUS_SERVER_TRANSPORT_GRADE_STREAM_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include <grpcpp/alarm.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "gradus/v1/grading_service.grpc.pb.h"
#include "server/engine/limits.h"
#include "server/grading/assignment.h"
#include "server/grading/assignment_store.h"
#include "server/transport/call.h"
#include "server/transport/compute_pool.h"

namespace gradus {

// Budgets of one GradeStream call. Beside them it holds the compiled assignment and, per job, one
// submission and the results of a slice.
struct GradeStreamLimits {
  // Submissions of the whole stream; also bounds what is kept of their ids, some 50 bytes each.
  int64_t max_submissions = 1'000'000;
  // Submissions of one message.
  int max_batch_submissions = 1000;
  // The next message is read only while the submissions that wait for a worker take less memory
  // than this.
  double max_waiting_bytes = 16 << 20;
  // The next job starts only while fewer bytes than these of results wait for the client to read.
  size_t max_unwritten_bytes = size_t{1} << 20;
};

// One GradeStream call in flight: compiles the assignment of the header, or finds the one that it
// names, once, grades submissions on the pool, several at a time, and writes results as they are
// ready. Messages are bytes to gRPC; the pool parses those that are not small, and writes results.
// gRPC owns the call, and it deletes itself when the call is done.
//
// A job grades a slice of the submissions that wait, hands its results over and ends, so that other
// calls have their turn between slices. A stream that has no job in flight queues its next one even
// if the pool's queue is full; further ones only where there is room. So a stream that has begun
// always goes on, and never waits for anything but its own jobs and its client.
//
// A slow client is not outrun: no job starts while many results are unwritten, and no message is
// read while many submissions wait. It then blocks, by the flow control of gRPC.
//
// When the client cancels, the deadline passes, a stream without a deadline has had no message in
// either direction for the longest time that a call may take, or the stream breaks its rules, jobs
// end soon, results that are not written yet are dropped, and the call ends as soon as the last job
// has.
class GradeStreamCall final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // All but the limits outlive the call. The header may name one of `assignments`.
  GradeStreamCall(const CallSettings& settings, grpc::CallbackServerContext* context,
                  const Limits& limits, const GradeStreamLimits& stream_limits,
                  const AssignmentStore& assignments, ComputePool& pool);

 private:
  struct Batch {
    v1::SubmissionBatch message;
    int taken_count = 0;  // submissions that jobs have taken, from the front
    double bytes = 0;     // of memory, of the whole message
  };
  struct Response {
    grpc::ByteBuffer bytes;
    int64_t reports = 0;
  };

  ~GradeStreamCall() override = default;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  // Of the alarm, which has gone off or been cancelled.
  void OnAlarm(bool has_gone_off);
  void Release();

  // Jobs of the pool, which have waited since `queued`.
  void Parse(std::chrono::steady_clock::time_point queued);
  void Compile(std::chrono::steady_clock::time_point queued);
  void GradeSlice(std::chrono::steady_clock::time_point queued);

  // What a submission is answered with.
  v1::SubmissionResult Grade(const v1::Submission& submission, bool is_duplicate) const;

  // The functions below are called with mutex_ held.

  // Sets the alarm for when the stream has been idle for too long, unless there are messages.
  void SetAlarm();
  // Acts on the message that has been read: at once if it is small, else Parse does.
  absl::Status TakeBytes();
  absl::Status ParseRequest();
  absl::Status TakeRequest();
  absl::Status TakeBatch();
  // The submission that waits longest; there is one.
  v1::Submission TakeSubmission();
  // The call is to end with this error, unless it is already to end with another.
  void Fail(const absl::Status& status);
  // Starts whatever can be started now; ends the call if nothing is under way or left to do. Every
  // reaction and job calls it last: the call may be gone afterwards.
  void GoOn(std::unique_lock<std::mutex> lock);
  bool HasJobs() const;
  void StartJobs();
  // Queues a job of a stream that has begun. False if it has others in flight, and there is no
  // room.
  bool Queue(ComputePool::Job job);
  // A job that runs one of the functions above, or, if it is pushed out, `undo` with mutex_ held.
  ComputePool::Job JobOf(void (GradeStreamCall::*run)(std::chrono::steady_clock::time_point),
                         std::function<void()> undo);
  void StartReading();
  void StartWriting();

  const Limits limits_;
  const GradeStreamLimits stream_limits_;
  const AssignmentStore& assignments_;
  ComputePool& pool_;
  grpc::CallbackServerContext& context_;
  const std::chrono::milliseconds max_idle_;
  const double max_message_bytes_;
  // True once the call is to end with an error; what the grader looks at.
  std::atomic<bool> stopping_ = false;

  // What was read last. Belongs to gRPC while a read is under way, to Parse while that runs.
  grpc::ByteBuffer request_bytes_;
  // What it says, and about how many bytes of memory that takes. Belongs to Parse and Compile while
  // they run.
  v1::GradeStreamRequest request_;
  double parsed_bytes_ = 0;

  std::atomic<int> holders_ = 1;  // gRPC, and the alarm

  std::mutex mutex_;  // guards what follows
  Call call_;
  const std::string turn_name_;
  // Both are set once, when Compile is done; jobs that start after that read them without mutex_.
  std::shared_ptr<const CompiledAssignment> assignment_;
  v1::FeedbackLevel max_level_ = v1::FEEDBACK_LEVEL_UNSPECIFIED;
  absl::Status status_;
  std::chrono::steady_clock::time_point last_message_ = std::chrono::steady_clock::now();
  std::optional<grpc::Alarm> alarm_;  // none for a stream with a deadline
  bool is_reading_ = false;
  bool is_unparsed_ = false;     // request_bytes_ waits for Parse to be queued
  bool is_parsing_ = false;      // Parse is in flight
  bool is_half_closed_ = false;  // by the client: nothing is left to be read
  bool is_writing_ = false;      // the first of unwritten_
  bool is_finished_ = false;
  int queued_jobs_ = 0;        // that have not begun
  int running_jobs_ = 0;       // that have
  std::deque<Batch> waiting_;  // none of them is empty
  int64_t waiting_count_ = 0;  // submissions in waiting_ that have not been taken
  double waiting_bytes_ = 0;   // of waiting_
  std::deque<Response> unwritten_;
  size_t unwritten_bytes_ = 0;  // of unwritten_
  int64_t submission_count_ = 0;
  // Hashes of the ids taken so far: their size is bounded, which that of ids is not. In a tree, as
  // a client could choose ids that make a hash table slow. That two of a million ids have the same
  // one, and the second is taken for a duplicate, happens once in some ten million streams.
  std::set<size_t> id_hashes_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_GRADE_STREAM_H_
