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
#include "server/transport/wire.h"

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
      context_(*context),
      max_idle_(settings.max_duration),
      max_message_bytes_(settings.max_message_bytes),
      call_(settings, kMethod, *context),
      turn_name_(call_.TurnName()),
      is_reading_(call_.admission().ok()) {
  std::unique_lock lock(mutex_);
  if (!is_reading_) {
    Fail(call_.admission());
    GoOn(std::move(lock));
    return;
  }
  if (context_.deadline() == std::chrono::system_clock::time_point::max()) {
    holders_.fetch_add(1, std::memory_order_relaxed);
    SetAlarm();
  }
  StartRead(&request_bytes_);
}

void GradeStreamCall::SetAlarm() {
  const Clock::duration time = last_message_ + max_idle_ - Clock::now();
  // A new one each time: this may be called by the old one.
  alarm_.emplace();
  alarm_->Set(std::chrono::system_clock::now() + time,
              [this](bool has_gone_off) { OnAlarm(has_gone_off); });
}

void GradeStreamCall::OnAlarm(bool has_gone_off) {
  std::unique_lock lock(mutex_);
  if (has_gone_off && !is_finished_) {
    if (Clock::now() < last_message_ + max_idle_) return SetAlarm();
    Fail(absl::DeadlineExceededError(fmt::format(
        "no message for {} ms, which is the longest that a stream without a deadline of its own "
        "may be silent",
        max_idle_.count())));
    // A client that does not read would not take the error either.
    if (is_writing_) context_.TryCancel();
    GoOn(std::move(lock));
  } else {
    lock.unlock();
  }
  Release();
}

void GradeStreamCall::OnDone() {
  {
    const std::lock_guard lock(mutex_);
    if (alarm_.has_value()) alarm_->Cancel();
  }
  Release();
}

void GradeStreamCall::Release() {
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void GradeStreamCall::OnReadDone(bool ok) {
  std::unique_lock lock(mutex_);
  is_reading_ = false;
  if (ok) {
    last_message_ = Clock::now();
    call_.AddRequest(request_bytes_.Length());
    // Nobody waits for it any more if the call is to end.
    if (status_.ok()) Fail(TakeBytes());
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
  const size_t bytes = unwritten_.front().bytes.Length();
  unwritten_bytes_ -= bytes;
  if (ok) {
    last_message_ = Clock::now();
    call_.AddResponse(bytes);
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

absl::Status GradeStreamCall::TakeBytes() {
  if (request_bytes_.Length() <= kSmallMessageBytes) {
    absl::Status parsed = ParseRequest();
    return parsed.ok() ? TakeRequest() : parsed;
  }
  if (assignment_ != nullptr) {
    is_unparsed_ = true;
    return absl::OkStatus();
  }
  if (!pool_.TrySubmit(turn_name_, JobOf(&GradeStreamCall::Parse, [this] {
                         is_parsing_ = false;
                         Fail(QueueIsFull());
                       }))) {
    return QueueIsFull();
  }
  is_parsing_ = true;
  return absl::OkStatus();
}

absl::Status GradeStreamCall::ParseRequest() {
  return WithoutExceptions(kMethod, [&] {
    return ParseMessage(request_bytes_, max_message_bytes_, &request_, &parsed_bytes_);
  });
}

void GradeStreamCall::Parse(Clock::time_point queued) {
  const Clock::time_point begun = Clock::now();
  absl::Status status = ParseRequest();
  std::unique_lock lock(mutex_);
  call_.AddQueued(begun - queued);
  call_.AddComputed(Clock::now() - begun);
  is_parsing_ = false;
  if (status.ok() && status_.ok()) status = TakeRequest();
  Fail(status);
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
      if (!pool_.TrySubmit(turn_name_, JobOf(&GradeStreamCall::Compile, [this] {
                             --running_jobs_;
                             Fail(QueueIsFull());
                           }))) {
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
  waiting_.push_back({.message = std::move(*request_.mutable_batch()), .bytes = parsed_bytes_});
  waiting_count_ += count;
  waiting_bytes_ += parsed_bytes_;
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
  v1::GradeStreamResponse message;
  size_t bytes = 0;
  Response response;
  std::unique_lock lock(mutex_);
  --queued_jobs_;
  ++running_jobs_;
  while (status_.ok() && waiting_count_ > 0 && bytes < kSliceBytes &&
         message.results_size() < kSliceSubmissions) {
    const v1::Submission submission = TakeSubmission();
    const bool is_duplicate = !id_hashes_.insert(std::hash<std::string>()(submission.id())).second;
    lock.unlock();
    v1::SubmissionResult* result = message.add_results();
    *result = Grade(submission, is_duplicate);
    bytes += result->ByteSizeLong();
    response.reports += result->has_report() ? 1 : 0;
    lock.lock();
  }
  lock.unlock();
  const absl::Status written =
      WithoutExceptions(kMethod, [&] { return WriteMessage(message, &response.bytes); });
  lock.lock();
  call_.AddQueued(begun - queued);
  call_.AddComputed(Clock::now() - begun);
  --running_jobs_;
  Fail(written);
  if (status_.ok() && message.results_size() > 0) {
    unwritten_bytes_ += response.bytes.Length();
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
  // Writes of a call that was cancelled end by themselves, and a read when the call is finished.
  if (is_finished_ || (is_reading_ && status_.ok()) || is_writing_ || HasJobs()) return;
  // So the call has failed, or all is read, graded and written.
  is_finished_ = true;
  const absl::Status status = status_;
  call_.End(status);
  lock.unlock();
  Finish(ToGrpcStatus(status));
}

bool GradeStreamCall::HasJobs() const { return is_parsing_ || queued_jobs_ + running_jobs_ > 0; }

void GradeStreamCall::StartJobs() {
  if (status_.ok() && is_unparsed_ && Queue(JobOf(&GradeStreamCall::Parse, [this] {
        is_unparsed_ = true;
        is_parsing_ = false;
      }))) {
    is_unparsed_ = false;
    is_parsing_ = true;
  }
  while (status_.ok() && waiting_count_ > queued_jobs_ &&
         queued_jobs_ + running_jobs_ < pool_.worker_count() &&
         unwritten_bytes_ < stream_limits_.max_unwritten_bytes) {
    if (!Queue(JobOf(&GradeStreamCall::GradeSlice, [this] { --queued_jobs_; }))) return;
    ++queued_jobs_;
  }
}

bool GradeStreamCall::Queue(ComputePool::Job job) {
  if (HasJobs()) return pool_.SubmitIfRoom(turn_name_, std::move(job));
  pool_.Submit(turn_name_, std::move(job.run));
  return true;
}

ComputePool::Job GradeStreamCall::JobOf(void (GradeStreamCall::*run)(Clock::time_point),
                                        std::function<void()> undo) {
  return {.run = [this, run, queued = Clock::now()] { (this->*run)(queued); },
          .refuse =
              [this, undo = std::move(undo)] {
                std::unique_lock lock(mutex_);
                undo();
                GoOn(std::move(lock));
              }};
}

void GradeStreamCall::StartReading() {
  // The first batch waits for the assignment.
  if (!status_.ok() || is_reading_ || is_half_closed_ || assignment_ == nullptr) return;
  if (is_unparsed_ || is_parsing_) return;
  // Enough for every worker to find its next slice.
  if (waiting_count_ >= int64_t{kSliceSubmissions} * pool_.worker_count() ||
      waiting_bytes_ >= stream_limits_.max_waiting_bytes) {
    return;
  }
  is_reading_ = true;
  StartRead(&request_bytes_);
}

void GradeStreamCall::StartWriting() {
  if (!status_.ok() || is_writing_ || unwritten_.empty()) return;
  is_writing_ = true;
  StartWrite(&unwritten_.front().bytes);
}

}  // namespace gradus
