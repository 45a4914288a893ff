#include "server/transport/grade_stream.h"

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/grading/grade.h"
#include "server/status/field_error.h"
#include "server/transport/status_conversion.h"
#include "server/transport/unary_call.h"

namespace gradus {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Method kMethod = {v1::GradingService::service_full_name(), "GradeStream",
                            Access::kStudents, /*is_stream=*/true};

// A slice ends with the first of these reached. It is long enough to pay for its turn in the queue
// and its message, and short enough for other calls to have theirs.
constexpr int kSliceSubmissions = 32;
constexpr size_t kSliceBytes = size_t{256} << 10;

}  // namespace

GradeStreamCall::GradeStreamCall(const CallSettings& settings, grpc::CallbackServerContext* context,
                                 const Limits& limits, const GradeStreamLimits& stream_limits,
                                 const AssignmentStore& assignments, ComputePool& pool)
    : limits_(limits),
      stream_limits_(stream_limits),
      assignments_(assignments),
      pool_(pool),
      call_(settings, kMethod, *context),
      is_reading_(call_.admission().ok()) {
  if (is_reading_) {
    StartRead(&request_);
    return;
  }
  std::unique_lock lock(mutex_);
  Fail(call_.admission());
  GoOn(std::move(lock));
}

void GradeStreamCall::OnReadDone(bool ok) {
  std::unique_lock lock(mutex_);
  is_reading_ = false;
  if (ok) {
    call_.AddRequest(request_.ByteSizeLong());
    // Nobody waits for it any more if the call is to end.
    if (status_.ok()) Fail(TakeRequest());
  } else {
    is_half_closed_ = true;
    if (assignment_ == nullptr) {
      Fail(FieldError("header", Reason::kMissingField, "unset; a stream begins with it"));
    }
  }
  GoOn(std::move(lock));
}

void GradeStreamCall::OnWriteDone(bool ok) {
  std::unique_lock lock(mutex_);
  is_writing_ = false;
  unwritten_bytes_ -= unwritten_.front().bytes;
  if (ok) {
    call_.AddResponse(unwritten_.front().bytes);
    call_.AddGraded(unwritten_.front().reports);
  }
  unwritten_.pop_front();
  if (!ok) Fail(absl::CancelledError("the client does not listen any more"));
  GoOn(std::move(lock));
}

void GradeStreamCall::OnCancel() {
  std::unique_lock lock(mutex_);
  Fail(absl::CancelledError("cancelled by the caller"));
  GoOn(std::move(lock));
}

absl::Status GradeStreamCall::TakeRequest() {
  switch (request_.item_case()) {
    case v1::GradeStreamRequest::kHeader:
      if (assignment_ != nullptr) {
        return FieldError("header", Reason::kInvalidValue,
                          "only the first message of a stream is one");
      }
      if (absl::Status s = MayGradeAgainst(call_.caller(), request_.header()); !s.ok()) return s;
      if (!pool_.TrySubmit([this, queued = Clock::now()] { Compile(queued); })) {
        return QueueIsFull();
      }
      ++running_jobs_;
      return absl::OkStatus();
    case v1::GradeStreamRequest::kBatch:
      return TakeBatch();
    default:
      return assignment_ != nullptr
                 ? FieldError("batch", Reason::kMissingField, "unset")
                 : FieldError("header", Reason::kMissingField, "unset; a stream begins with it");
  }
}

absl::Status GradeStreamCall::TakeBatch() {
  if (assignment_ == nullptr) {
    return FieldError("header", Reason::kMissingField, "unset; a stream begins with it");
  }
  const int count = request_.batch().submissions_size();
  if (count > stream_limits_.max_batch_submissions) {
    return FieldError("batch.submissions", Reason::kLimitExceeded,
                      fmt::format("{} submissions, the limit is {}", count,
                                  stream_limits_.max_batch_submissions));
  }
  submission_count_ += count;
  if (submission_count_ > stream_limits_.max_submissions) {
    return absl::ResourceExhaustedError(
        fmt::format("more than {} submissions; the others need another stream",
                    stream_limits_.max_submissions));
  }
  if (count == 0) return absl::OkStatus();
  const size_t bytes = request_.batch().ByteSizeLong();
  waiting_.push_back({.message = std::move(*request_.mutable_batch()), .bytes = bytes});
  waiting_count_ += count;
  waiting_bytes_ += bytes;
  return absl::OkStatus();
}

v1::Submission GradeStreamCall::TakeSubmission() {
  Batch& batch = waiting_.front();
  v1::Submission submission = std::move(*batch.message.mutable_submissions(batch.taken_count));
  --waiting_count_;
  if (++batch.taken_count == batch.message.submissions_size()) {
    waiting_bytes_ -= batch.bytes;
    waiting_.pop_front();
  }
  return submission;
}

void GradeStreamCall::Compile(Clock::time_point queued) {
  const Clock::time_point begun = Clock::now();
  std::shared_ptr<const CompiledAssignment> assignment;
  const absl::Status status = WithoutExceptions(kMethod, [&] {
    auto compiled = AssignmentOf(request_.header(), assignments_, limits_, stopping_);
    if (!compiled.ok()) return compiled.status();
    assignment = *std::move(compiled);
    return absl::OkStatus();
  });
  const v1::FeedbackLevel max_level =
      LowerLevel(request_.header().max_feedback_level(), call_.caller().max_feedback_level);
  request_.Clear();
  std::unique_lock lock(mutex_);
  call_.AddQueued(begun - queued);
  call_.AddComputed(Clock::now() - begun);
  --running_jobs_;
  assignment_ = std::move(assignment);
  max_level_ = max_level;
  Fail(status);
  GoOn(std::move(lock));
}

void GradeStreamCall::GradeSlice(Clock::time_point queued) {
  const Clock::time_point begun = Clock::now();
  Response response;
  std::unique_lock lock(mutex_);
  --queued_jobs_;
  ++running_jobs_;
  while (status_.ok() && waiting_count_ > 0 && response.bytes < kSliceBytes &&
         response.message.results_size() < kSliceSubmissions) {
    const v1::Submission submission = TakeSubmission();
    const bool is_duplicate = !id_hashes_.insert(std::hash<std::string>()(submission.id())).second;
    lock.unlock();
    v1::SubmissionResult* result = response.message.add_results();
    *result = Grade(submission, is_duplicate);
    response.bytes += result->ByteSizeLong();
    response.reports += result->has_report() ? 1 : 0;
    lock.lock();
  }
  call_.AddQueued(begun - queued);
  call_.AddComputed(Clock::now() - begun);
  --running_jobs_;
  if (status_.ok() && response.message.results_size() > 0) {
    unwritten_bytes_ += response.bytes;
    unwritten_.push_back(std::move(response));
  }
  GoOn(std::move(lock));
}

v1::SubmissionResult GradeStreamCall::Grade(const v1::Submission& submission,
                                            bool is_duplicate) const {
  v1::SubmissionResult result;
  const absl::Status status = WithoutExceptions(kMethod, [&]() -> absl::Status {
    result.set_submission_id(submission.id());
    if (is_duplicate) {
      return absl::AlreadyExistsError(
          "submission.id: an earlier submission of the stream has the same");
    }
    absl::StatusOr<v1::GradeReport> report =
        GradeOne(*assignment_, submission, max_level_, stopping_);
    if (!report.ok()) return report.status();
    // A message that is too large for gRPC would end the stream.
    const size_t bytes = report->ByteSizeLong();
    if (static_cast<double>(bytes) > limits_.max_response_bytes) {
      return absl::ResourceExhaustedError(
          fmt::format("a report of {} bytes, the limit is {:.0f}; a lower max_feedback_level "
                      "makes it smaller",
                      bytes, limits_.max_response_bytes));
    }
    *result.mutable_report() = *std::move(report);
    return absl::OkStatus();
  });
  if (!status.ok()) *result.mutable_error() = ToRpcStatus(status);
  return result;
}

void GradeStreamCall::Fail(const absl::Status& status) {
  if (status.ok() || !status_.ok()) return;
  status_ = status;
  stopping_.store(true, std::memory_order_relaxed);
}

void GradeStreamCall::GoOn(std::unique_lock<std::mutex> lock) {
  StartJobs();
  StartReading();
  StartWriting();
  // Reads and writes of a call that was cancelled end by themselves.
  if (is_finished_ || is_reading_ || is_writing_ || queued_jobs_ + running_jobs_ > 0) return;
  // So the call has failed, or all is read, graded and written.
  is_finished_ = true;
  const absl::Status status = status_;
  call_.End(status);
  lock.unlock();
  Finish(ToGrpcStatus(status));
}

void GradeStreamCall::StartJobs() {
  while (status_.ok() && waiting_count_ > queued_jobs_ &&
         queued_jobs_ + running_jobs_ < pool_.worker_count() &&
         unwritten_bytes_ < stream_limits_.max_unwritten_bytes) {
    const auto job = [this, queued = Clock::now()] { GradeSlice(queued); };
    if (queued_jobs_ + running_jobs_ == 0) {
      pool_.Submit(job);
    } else if (!pool_.TrySubmit(job)) {
      return;
    }
    ++queued_jobs_;
  }
}

void GradeStreamCall::StartReading() {
  // The first batch waits for the assignment.
  if (!status_.ok() || is_reading_ || is_half_closed_ || assignment_ == nullptr) return;
  // Enough for every worker to find its next slice.
  if (waiting_count_ >= int64_t{kSliceSubmissions} * pool_.worker_count() ||
      waiting_bytes_ >= stream_limits_.max_waiting_bytes) {
    return;
  }
  is_reading_ = true;
  StartRead(&request_);
}

void GradeStreamCall::StartWriting() {
  if (!status_.ok() || is_writing_ || unwritten_.empty()) return;
  is_writing_ = true;
  StartWrite(&unwritten_.front().message);
}

}  // namespace gradus
