#include "server/transport/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <vector>

#include "google/protobuf/descriptor.h"

#include "fmt/format.h"
#include "gradus/v1/gradient_service.pb.h"
#include "gradus/v1/grading_service.pb.h"
#include "prometheus/metric_family.h"
#include "server/status/field_error.h"
#include "server/transport/status_conversion.h"
#include "server/transport/version.h"

namespace gradus {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// As Go writes the codes, whose dashboards are to work here.
constexpr std::array<const char*, 17> kCodeNames = {
    "OK",       "Canceled",        "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",   "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",      "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated",
};

// Prometheus' default buckets, in seconds.
prometheus::Histogram::BucketBoundaries CallBuckets() {
  return {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
}

// A wait is short unless the server is overloaded.
prometheus::Histogram::BucketBoundaries WaitBuckets() {
  return {.0001, .0005, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
}

std::string TypeOf(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? "bidi_stream" : "client_stream";
  return method.server_streaming() ? "server_stream" : "unary";
}

double Seconds(std::chrono::duration<double> time) { return time.count(); }

MetricFamily SingleValue(std::string name, std::string help, double value,
                         MetricType type = MetricType::Gauge) {
  ClientMetric metric;
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return {std::move(name), std::move(help), type, {metric}};
}

double OpenFileCount() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++count;
  }
  return count;
}

double OpenFileLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double total_pages = 0;
  double resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Since 1970; 0 if the system does not say.
double StartSeconds() {
  // Field 22, in ticks since the machine started. Field 2 is a name in parentheses, which may hold
  // spaces, so count from its end.
  std::ifstream stat_file("/proc/self/stat");
  std::stringstream text;
  text << stat_file.rdbuf();
  std::istringstream fields(text.str().substr(text.str().rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks = 0;
  fields >> ticks;
  std::ifstream machine("/proc/stat");
  for (std::string line; std::getline(machine, line);) {
    constexpr std::string_view kBootTime = "btime ";
    if (line.starts_with(kBootTime)) {
      return std::stod(line.substr(kBootTime.size())) +
             ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
    }
  }
  return 0;
}

// What is asked for at each scrape, and costs nothing between them.
class ServerState final : public prometheus::Collectable {
 public:
  ServerState(const ComputePool& pool, const GraphCache& graphs) : pool_(pool), graphs_(graphs) {}

  std::vector<MetricFamily> Collect() const override {
    const ComputePool::Load load = pool_.CurrentLoad();
    const GraphCache::Counts graphs = graphs_.counts();
    ClientMetric version;
    version.label.push_back({"version", kVersion});
    version.gauge.value = 1;
    return {
        SingleValue("gradus_queue_depth", "Jobs that wait for a worker",
                    static_cast<double>(load.queued_jobs)),
        SingleValue("gradus_queue_capacity", "Jobs that may wait before calls are refused",
                    static_cast<double>(pool_.queue_capacity())),
        SingleValue("gradus_workers", "Threads that compute", pool_.worker_count()),
        SingleValue("gradus_busy_workers", "Threads that compute something now", load.busy_workers),
        SingleValue("gradus_plan_cache_hits_total", "Networks that were validated before",
                    static_cast<double>(graphs.hits), MetricType::Counter),
        SingleValue("gradus_plan_cache_misses_total", "Networks that had to be validated",
                    static_cast<double>(graphs.misses), MetricType::Counter),
        SingleValue("gradus_plan_cache_entries", "Validated networks that are kept",
                    static_cast<double>(graphs.entries)),
        {"gradus_build_info", "Version of the server", MetricType::Gauge, {version}},
        SingleValue("process_open_fds", "Open files and sockets", OpenFileCount()),
        SingleValue("process_max_fds", "Files and sockets that may be open", OpenFileLimit()),
        SingleValue("process_resident_memory_bytes", "Memory in use", ResidentBytes()),
        SingleValue("process_cpu_seconds_total", "Processor time spent", CpuSeconds(),
                    MetricType::Counter),
        SingleValue("process_start_time_seconds", "When the process began, since 1970",
                    start_seconds_),
    };
  }

 private:
  const ComputePool& pool_;
  const GraphCache& graphs_;
  const double start_seconds_ = StartSeconds();
};

}  // namespace

CallMetrics::CallMetrics() {
  auto& started = prometheus::BuildCounter()
                      .Name("grpc_server_started_total")
                      .Help("Calls that have begun")
                      .Register(*registry_);
  auto& handled = prometheus::BuildCounter()
                      .Name("grpc_server_handled_total")
                      .Help("Calls that are over, by the code of their answer")
                      .Register(*registry_);
  auto& received = prometheus::BuildCounter()
                       .Name("grpc_server_msg_received_total")
                       .Help("Messages received by calls that are over")
                       .Register(*registry_);
  auto& sent = prometheus::BuildCounter()
                   .Name("grpc_server_msg_sent_total")
                   .Help("Messages sent by calls that are over")
                   .Register(*registry_);
  auto& seconds = prometheus::BuildHistogram()
                      .Name("grpc_server_handling_seconds")
                      .Help("Time from the beginning of a call to its answer")
                      .Register(*registry_);
  for (const auto* service :
       {v1::ForwardRequest::descriptor()->file()->FindServiceByName("GradientService"),
        v1::GradeRequest::descriptor()->file()->FindServiceByName("GradingService")}) {
    for (int i = 0; i < service->method_count(); ++i) {
      const google::protobuf::MethodDescriptor& method = *service->method(i);
      const std::map<std::string, std::string> labels = {
          {"grpc_type", TypeOf(method)},
          {"grpc_service", std::string(service->full_name())},
          {"grpc_method", std::string(method.name())}};
      Series& series = series_[{service->full_name(), method.name()}];
      series.started = &started.Add(labels);
      series.received = &received.Add(labels);
      series.sent = &sent.Add(labels);
      series.seconds = &seconds.Add(labels, CallBuckets());
      for (size_t code = 0; code < kCodeCount; ++code) {
        std::map<std::string, std::string> with_code = labels;
        with_code["grpc_code"] = kCodeNames[code];
        series.handled[code] = &handled.Add(with_code);
      }
    }
  }

  rejected_ = &prometheus::BuildCounter()
                   .Name("gradus_rejected_total")
                   .Help("Calls that were refused, by reason")
                   .Register(*registry_);
  for (const std::string_view reason : kCallReasons) {
    rejected_->Add({{"reason", std::string(reason)}});
  }
  for (int reason = 0; reason <= static_cast<int>(Reason::kNotFound); ++reason) {
    rejected_->Add({{"reason", std::string(ReasonName(static_cast<Reason>(reason)))}});
  }
  cancelled_ = &prometheus::BuildCounter()
                    .Name("gradus_cancelled_total")
                    .Help("Calls that the caller gave up, or that took too long")
                    .Register(*registry_)
                    .Add({});
  graded_ = &prometheus::BuildCounter()
                 .Name("gradus_submissions_graded_total")
                 .Help("Submissions that got a report, in calls that are over")
                 .Register(*registry_)
                 .Add({});
  in_flight_ = &prometheus::BuildGauge()
                    .Name("gradus_calls_in_flight")
                    .Help("Calls that have begun and are not over")
                    .Register(*registry_)
                    .Add({});
  queue_wait_ = &prometheus::BuildHistogram()
                     .Name("gradus_queue_wait_seconds")
                     .Help("Time that a job waited for a worker")
                     .Register(*registry_)
                     .Add({}, WaitBuckets());
}

void CallMetrics::OnBegin(const Method& method) {
  series_.at({method.service, method.name}).started->Increment();
  in_flight_->Increment();
}

void CallMetrics::OnEnd(const CallRecord& record) {
  const Series& series = series_.at({record.method->service, record.method->name});
  series.handled.at(static_cast<size_t>(record.code))->Increment();
  series.received->Increment(static_cast<double>(record.requests));
  series.sent->Increment(static_cast<double>(record.responses));
  series.seconds->Observe(Seconds(record.total));
  in_flight_->Decrement();
  graded_->Increment(static_cast<double>(record.graded));
  if (record.code == absl::StatusCode::kCancelled ||
      record.code == absl::StatusCode::kDeadlineExceeded) {
    cancelled_->Increment();
  }
  // Refused calls are rare, so looking the series up is no cost that counts.
  if (!record.reason.empty()) {
    rejected_->Add({{"reason", record.reason}}).Increment();
  }
}

void CallMetrics::OnWaited(std::chrono::steady_clock::duration time) {
  queue_wait_->Observe(Seconds(time));
}

absl::StatusOr<std::unique_ptr<MetricsListener>> MetricsListener::Start(const std::string& address,
                                                                        const CallMetrics& calls,
                                                                        const ComputePool& pool,
                                                                        const GraphCache& graphs) {
  auto listener = std::unique_ptr<MetricsListener>(new MetricsListener());
  listener->calls_ = calls.registry();
  listener->state_ = std::make_shared<ServerState>(pool, graphs);
  try {
    listener->exposer_ = std::make_unique<prometheus::Exposer>(address);
  } catch (const std::exception&) {
    return absl::UnavailableError(fmt::format("cannot listen on {} for metrics", address));
  }
  listener->exposer_->RegisterCollectable(listener->calls_);
  listener->exposer_->RegisterCollectable(listener->state_);
  return listener;
}

}  // namespace gradus
