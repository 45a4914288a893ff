// What Prometheus is told, over real sockets.

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "nlohmann/json.hpp"
#include "tests/support/long_work.h"
#include "tests/support/project_file.h"
#include "tests/support/scrape.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

ServerOptions WithMetrics(ServerOptions options = {}) {
  options.metrics_address = "127.0.0.1:0";
  return options;
}

Scrape ScrapeOf(TestServer& server) {
  return ParseMetrics(GetMetrics(server.server().metrics_port()));
}

// Methods of both services, and their types.
const std::map<std::string, std::map<std::string, std::string>>& Methods() {
  static const auto& methods = *new std::map<std::string, std::map<std::string, std::string>>{
      {"gradus.v1.GradientService",
       {{"Forward", "unary"},
        {"Backward", "unary"},
        {"Step", "unary"},
        {"Check", "unary"},
        {"Explain", "unary"},
        {"StreamTrace", "server_stream"},
        {"ListOps", "unary"},
        {"GetLimits", "unary"}}},
      {"gradus.v1.GradingService",
       {{"Grade", "unary"},
        {"GradeStream", "bidi_stream"},
        {"LintAssignment", "unary"},
        {"ListAssignments", "unary"},
        {"GetAssignment", "unary"}}},
  };
  return methods;
}

std::string LabelsOf(const std::string& service, const std::string& method) {
  return "grpc_method=\"" + method + "\",grpc_service=\"" + service + "\",grpc_type=\"" +
         Methods().at(service).at(method) + "\"";
}
std::string LabelsOf(const std::string& method) {
  const std::string service = "gradus.v1.GradientService";
  return LabelsOf(Methods().at(service).contains(method) ? service : "gradus.v1.GradingService",
                  method);
}

std::string Started(const std::string& method) {
  return "grpc_server_started_total{" + LabelsOf(method) + "}";
}
std::string Handled(const std::string& method, const std::string& code) {
  return "grpc_server_handled_total{grpc_code=\"" + code + "\"," + LabelsOf(method) + "}";
}
std::string Received(const std::string& method) {
  return "grpc_server_msg_received_total{" + LabelsOf(method) + "}";
}
std::string Sent(const std::string& method) {
  return "grpc_server_msg_sent_total{" + LabelsOf(method) + "}";
}
std::string Timed(const std::string& method) {
  return "grpc_server_handling_seconds_count{" + LabelsOf(method) + "}";
}

double Sum(const Scrape& scrape, const std::string& metric) {
  double sum = 0;
  for (const auto& [series, value] : scrape) {
    if (series.starts_with(metric + "{")) sum += value;
  }
  return sum;
}

std::string NameOf(const std::string& series) { return series.substr(0, series.find('{')); }

std::string TextOf(const std::string& path) {
  std::ifstream file(ProjectFile(path));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Scrapes until `reached`, at most a minute.
Scrape ScrapeUntil(TestServer& server, const std::function<bool(const Scrape&)>& reached) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  Scrape scrape = ScrapeOf(server);
  while (!reached(scrape) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    scrape = ScrapeOf(server);
  }
  EXPECT_TRUE(reached(scrape));
  return scrape;
}

// Calls Backward on the homework so many times.
void CallBackward(TestServer& server, int times) {
  v1::BackwardRequest request;
  *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  for (int i = 0; i < times; ++i) {
    TestContext context;
    v1::BackwardResponse response;
    ASSERT_TRUE(server.gradient().Backward(&context, request, &response).ok());
  }
}

TEST(MetricsTest, AllSeriesAreThereFromTheStart) {
  TestServer server(WithMetrics());
  const Scrape scrape = ScrapeOf(server);
  size_t count = 0;
  for (const auto& [service, methods] : Methods()) {
    for (const auto& [method, type] : methods) {
      for (const std::string code :
           {"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound",
            "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
            "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss",
            "Unauthenticated"}) {
        EXPECT_EQ(scrape.count(Handled(method, code)), 1U) << method << " " << code;
        ++count;
      }
      for (const std::string& series :
           {Started(method), Received(method), Sent(method), Timed(method)}) {
        EXPECT_EQ(scrape.count(series), 1U) << series;
      }
      for (const std::string bound : {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1",
                                      "2.5", "5", "10", "+Inf"}) {
        const std::string series =
            "grpc_server_handling_seconds_bucket{" + LabelsOf(method) + ",le=\"" + bound + "\"}";
        EXPECT_EQ(scrape.count(series), 1U) << series;
      }
    }
  }
  EXPECT_EQ(count, 221U);
  for (const auto& [series, value] : scrape) {
    if (series.starts_with("grpc_server_")) {
      EXPECT_EQ(value, 0) << series;
    }
  }
  // No method beyond these.
  EXPECT_EQ(std::count_if(scrape.begin(), scrape.end(),
                          [](const auto& sample) {
                            return NameOf(sample.first) == "grpc_server_handled_total";
                          }),
            221);
  for (const std::string reason : {"OVERLOADED", "TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED",
                                   "ROLE_FORBIDDEN", "SHAPE_MISMATCH", "NOT_FOUND"}) {
    EXPECT_EQ(scrape.at("gradus_rejected_total{reason=\"" + reason + "\"}"), 0) << reason;
  }
  EXPECT_EQ(scrape.at("gradus_queue_wait_seconds_count"), 0);
}

TEST(MetricsTest, OfTheProcess) {
  TestServer server(WithMetrics({.worker_count = 3, .queue_capacity = 17}));
  const Scrape scrape = ScrapeOf(server);
  TestContext context;
  v1::GetLimitsResponse limits;
  ASSERT_TRUE(server.gradient().GetLimits(&context, {}, &limits).ok());
  EXPECT_EQ(scrape.at("gradus_build_info{version=\"" + limits.version() + "\"}"), 1);
  EXPECT_EQ(scrape.at("gradus_workers"), 3);
  EXPECT_EQ(scrape.at("gradus_queue_capacity"), 17);
  // Standard streams, and the sockets of two listeners.
  EXPECT_GT(scrape.at("process_open_fds"), 4);
  EXPECT_GE(scrape.at("process_max_fds"), scrape.at("process_open_fds"));
  EXPECT_GT(scrape.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(scrape.at("process_cpu_seconds_total"), 0);
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  // The machine's start, from which the system counts, is known to the second.
  EXPECT_LT(scrape.at("process_start_time_seconds"), now + 2);
  EXPECT_GT(scrape.at("process_start_time_seconds"), now - 3600);
}

TEST(MetricsTest, NetworksThatAreKnown) {
  TestServer server(WithMetrics());
  ASSERT_NO_FATAL_FAILURE(CallBackward(server, 3));
  const Scrape scrape = ScrapeOf(server);
  EXPECT_EQ(scrape.at("gradus_plan_cache_misses_total"), 1);
  EXPECT_EQ(scrape.at("gradus_plan_cache_hits_total"), 2);
  EXPECT_EQ(scrape.at("gradus_plan_cache_entries"), 1);
}

TEST(MetricsTest, CountsCallsOfEachKind) {
  TestServer server(WithMetrics());
  ASSERT_NO_FATAL_FAILURE(CallBackward(server, 3));
  {
    TestContext context;
    v1::BackwardResponse response;
    EXPECT_EQ(server.gradient().Backward(&context, {}, &response).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
  {
    TestContext context;
    EXPECT_EQ(server.gradient().StreamTrace(&context, {})->Finish().error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
  }
  const auto assignment = FromFile<v1::Assignment>("examples/homework/homework.txtpb");
  const auto submission = FromFile<v1::Submission>("examples/homework/submissions/paper.txtpb");
  {
    TestContext context;
    v1::GradeRequest request;
    *request.mutable_assignment() = assignment;
    *request.mutable_submission() = submission;
    v1::GradeResponse response;
    ASSERT_TRUE(server.grading().Grade(&context, request, &response).ok());
  }
  int responses = 0;
  {
    TestContext context;
    const auto stream = server.grading().GradeStream(&context);
    v1::GradeStreamRequest request;
    *request.mutable_header()->mutable_assignment() = assignment;
    ASSERT_TRUE(stream->Write(request));
    for (const std::string id : {"a", "b"}) {
      request.Clear();
      *request.mutable_batch()->add_submissions() = submission;
      request.mutable_batch()->mutable_submissions(0)->set_id(id);
      ASSERT_TRUE(stream->Write(request));
    }
    // The same again is an error of its own, and no report.
    ASSERT_TRUE(stream->Write(request));
    stream->WritesDone();
    v1::GradeStreamResponse response;
    while (stream->Read(&response)) ++responses;
    ASSERT_TRUE(stream->Finish().ok());
  }

  const Scrape scrape = ScrapeOf(server);
  EXPECT_EQ(scrape.at(Started("Backward")), 4);
  EXPECT_EQ(scrape.at(Handled("Backward", "OK")), 3);
  EXPECT_EQ(scrape.at(Handled("Backward", "InvalidArgument")), 1);
  EXPECT_EQ(scrape.at(Received("Backward")), 4);
  EXPECT_EQ(scrape.at(Sent("Backward")), 3);
  EXPECT_EQ(scrape.at(Timed("Backward")), 4);
  EXPECT_EQ(scrape.at(Handled("StreamTrace", "Unimplemented")), 1);
  EXPECT_EQ(scrape.at(Handled("Grade", "OK")), 1);
  EXPECT_EQ(scrape.at(Handled("GradeStream", "OK")), 1);
  EXPECT_EQ(scrape.at(Received("GradeStream")), 4);
  EXPECT_EQ(scrape.at(Sent("GradeStream")), responses);
  EXPECT_EQ(scrape.at("gradus_submissions_graded_total"), 3);
  EXPECT_EQ(scrape.at("gradus_rejected_total{reason=\"MISSING_FIELD\"}"), 1);
  EXPECT_EQ(scrape.at("gradus_cancelled_total"), 0);
  EXPECT_EQ(scrape.at("gradus_calls_in_flight"), 0);
  EXPECT_EQ(Sum(scrape, "grpc_server_started_total"), 7);
  EXPECT_EQ(Sum(scrape, "grpc_server_handled_total"), 7);
  EXPECT_EQ(
      scrape.at("grpc_server_handling_seconds_bucket{" + LabelsOf("Backward") + ",le=\"+Inf\"}"),
      4);
}

// One works, one waits, one is refused; then the callers give up.
TEST(MetricsTest, CountsTheRefusedAndTheCancelled) {
  TestServer server(WithMetrics({.worker_count = 1, .queue_capacity = 1}));
  std::vector<std::unique_ptr<TestContext>> contexts;
  std::vector<std::future<grpc::Status>> calls;
  const auto call = [&] {
    contexts.push_back(std::make_unique<TestContext>());
    calls.push_back(std::async(std::launch::async, [&server, context = contexts.back().get()] {
      v1::CheckResponse response;
      return server.gradient().Check(context, LongWork(), &response);
    }));
  };
  call();
  ScrapeUntil(server, [](const Scrape& scrape) { return scrape.at("gradus_busy_workers") == 1; });
  call();
  ScrapeUntil(server, [](const Scrape& scrape) { return scrape.at("gradus_queue_depth") == 1; });
  call();
  EXPECT_EQ(calls[2].get().error_code(), grpc::StatusCode::UNAVAILABLE);
  Scrape scrape = ScrapeOf(server);
  EXPECT_EQ(scrape.at("gradus_rejected_total{reason=\"OVERLOADED\"}"), 1);
  EXPECT_EQ(scrape.at(Handled("Check", "Unavailable")), 1);
  EXPECT_EQ(scrape.at("gradus_calls_in_flight"), 2);
  EXPECT_EQ(scrape.at("gradus_queue_wait_seconds_count"), 1);

  contexts[0]->TryCancel();
  contexts[1]->TryCancel();
  // Counters are read one after the other, so a call may be counted in one and not yet in the next.
  scrape = ScrapeUntil(server, [](const Scrape& now) {
    return now.at(Handled("Check", "Canceled")) == 2 && now.at("gradus_cancelled_total") == 2 &&
           now.at("gradus_calls_in_flight") == 0 && now.at("gradus_busy_workers") == 0;
  });
  EXPECT_EQ(scrape.at(Started("Check")), 3);
  EXPECT_EQ(scrape.at("gradus_queue_depth"), 0);
  EXPECT_EQ(scrape.at("gradus_queue_wait_seconds_count"), 2);
  EXPECT_EQ(scrape.at("gradus_rejected_total{reason=\"OVERLOADED\"}"), 1);
}

TEST(MetricsTest, APortInUseIsAnErrorAtTheStart) {
  TestServer first(WithMetrics());
  const std::string address = "127.0.0.1:" + std::to_string(first.server().metrics_port());
  const auto second = Server::Start({.metrics_address = address});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.status().message(), "cannot listen on " + address + " for metrics");
}

TEST(MetricsTest, WithoutAnAddressThereAreNone) {
  TestServer server;
  EXPECT_EQ(server.server().metrics_port(), 0);
}

// A dashboard that asks for a name that nobody tells shows nothing, which looks like quiet.
TEST(MetricsTest, TheDashboardAsksForNamesThatExist) {
  TestServer server(WithMetrics());
  std::set<std::string> told;
  for (const auto& [series, value] : ScrapeOf(server)) told.insert(NameOf(series));
  std::set<std::string> asked;
  const std::function<void(const nlohmann::json&)> collect = [&](const nlohmann::json& value) {
    if (!value.is_structured()) return;
    if (value.is_object() && value.contains("expr")) {
      const std::string expression = value["expr"];
      static const std::regex name("(grpc_server|gradus|process)_[a-z_]+");
      for (auto match = std::sregex_iterator(expression.begin(), expression.end(), name);
           match != std::sregex_iterator(); ++match) {
        asked.insert(match->str());
      }
    }
    for (const nlohmann::json& member : value) collect(member);
  };
  collect(nlohmann::json::parse(TextOf("docs/grafana/gradus.json")));
  EXPECT_GT(asked.size(), 10U);
  std::vector<std::string> unknown;
  std::set_difference(asked.begin(), asked.end(), told.begin(), told.end(),
                      std::back_inserter(unknown));
  EXPECT_THAT(unknown, IsEmpty());
}

TEST(MetricsTest, TheManualNamesEachOfThem) {
  TestServer server(WithMetrics());
  const std::string manual = TextOf("docs/operations.md");
  std::set<std::string> told;
  std::istringstream lines(GetMetrics(server.server().metrics_port()));
  for (std::string line; std::getline(lines, line);) {
    const std::string begin = "# TYPE ";
    if (!line.starts_with(begin)) continue;
    told.insert(line.substr(begin.size(), line.find(' ', begin.size()) - begin.size()));
  }
  EXPECT_GT(told.size(), 20U);
  for (const std::string& name : told) {
    if (name.starts_with("exposer_")) continue;  // of the listener itself
    EXPECT_THAT(manual, HasSubstr("| `" + name)) << name;
  }
}

}  // namespace
}  // namespace gradus::testing
