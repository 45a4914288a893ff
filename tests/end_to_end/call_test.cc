// What belongs to every call, over a real socket: ids, the longest time, and what a full server
// says.

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"

#include "fmt/format.h"
#include "tests/support/long_work.h"
#include "tests/support/reason.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::string TrailerOf(const grpc::ClientContext& context, const std::string& name) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(name);
  return found == trailers.end() ? "" : std::string(found->second.data(), found->second.size());
}

TEST(CallTest, TheCallersIdComesBack) {
  TestServer server;
  TestContext context;
  context.AddMetadata("x-request-id", "homework-7:42");
  v1::GetLimitsResponse response;
  ASSERT_TRUE(server.gradient().GetLimits(&context, {}, &response).ok());
  EXPECT_EQ(TrailerOf(context, "x-request-id"), "homework-7:42");
  EXPECT_EQ(TrailerOf(context, "x-gradus-version"), response.version());
}

TEST(CallTest, ACallWithoutASoundIdGetsOne) {
  TestServer server;
  std::string last;
  for (const std::string& bad : {std::string(), std::string("two words"), std::string(65, 'a')}) {
    TestContext context;
    if (!bad.empty()) context.AddMetadata("x-request-id", bad);
    v1::GetLimitsResponse response;
    ASSERT_TRUE(server.gradient().GetLimits(&context, {}, &response).ok());
    const std::string id = TrailerOf(context, "x-request-id");
    EXPECT_THAT(id, MatchesRegex("[0-9a-f]+-[0-9a-f]+"));
    EXPECT_NE(id, last);
    last = id;
  }
}

TEST(CallTest, ErrorsCarryTheIdToo) {
  TestServer server;
  TestContext context;
  context.AddMetadata("x-request-id", "bad-input");
  v1::ForwardResponse response;
  EXPECT_EQ(server.gradient().Forward(&context, {}, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(TrailerOf(context, "x-request-id"), "bad-input");
  EXPECT_EQ(TrailerOf(context, "grpc-retry-pushback-ms"), "");
}

// The longest that names can make of an error, over the wire: gRPC loses details of some 8 KB.
TEST(CallTest, TheLongestErrorArrives) {
  TestServer server;
  v1::ForwardRequest cycle;
  constexpr int kNodes = 20;
  const auto name = [](int i) {
    return std::string(127, 'n') + static_cast<char>('a' + i % kNodes);
  };
  for (int i = 0; i < kNodes; ++i) {
    v1::Node* node = cycle.mutable_problem()->mutable_network()->add_nodes();
    node->set_name(name(i));
    node->add_inputs(name(i + 1));
    node->mutable_identity();
  }
  v1::ForwardRequest bad_name;
  v1::Node* node = bad_name.mutable_problem()->mutable_network()->add_nodes();
  node->set_name("a");
  std::string& input = *node->add_inputs();
  for (int i = 0; i < 3000; ++i) input += "\U0001d6c1";
  node->mutable_identity();
  for (const auto& [request, reason] : std::vector<std::pair<v1::ForwardRequest, std::string>>{
           {cycle, "CYCLE"}, {bad_name, "UNKNOWN_NAME"}}) {
    TestContext context;
    v1::ForwardResponse response;
    const grpc::Status status = server.gradient().Forward(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_LE(status.error_details().size(), 4096U);
    EXPECT_EQ(ReasonOf(status), reason) << status.error_message();
  }
}

TEST(CallTest, IsLoggedWithItsTraceButNotWithWhatItCarries) {
  std::ostringstream text;
  const auto previous = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "captured", std::make_shared<spdlog::sinks::ostream_sink_mt>(text)));
  const std::string sound = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  {
    TestServer server({.logs_calls = true});
    for (const std::string& traceparent : {sound, std::string("00-secret")}) {
      TestContext context;
      context.AddMetadata("traceparent", traceparent);
      v1::BackwardRequest request;
      *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
      v1::BackwardResponse response;
      ASSERT_TRUE(server.gradient().Backward(&context, request, &response).ok());
    }
  }
  spdlog::set_default_logger(previous);
  EXPECT_THAT(text.str(), HasSubstr("method=gradus.v1.GradientService/Backward code=OK"));
  EXPECT_THAT(text.str(), HasSubstr("trace_id=4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_THAT(text.str(), HasSubstr("trace_id=-"));
  EXPECT_THAT(text.str(), Not(HasSubstr("secret")));
  EXPECT_THAT(text.str(), Not(HasSubstr("W1")));
}

TEST(CallTest, WithoutADeadlineItEndsAfterTheLongestTime) {
  TestServer server({.max_duration = std::chrono::milliseconds(1)});
  grpc::ClientContext context;  // without a deadline
  context.set_wait_for_ready(true);
  v1::CheckResponse response;
  const grpc::Status status = server.gradient().Check(&context, LongWork(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(),
            "not done after 1 ms, which is the longest that a call without a deadline of its own "
            "may take");
}

// One works and one waits; the others are told when to come again.
TEST(CallTest, AFullServerSaysWhenToTryAgain) {
  TestServer server({.worker_count = 1, .queue_capacity = 1});
  constexpr int kCalls = 4;
  std::vector<std::unique_ptr<TestContext>> contexts;
  std::vector<std::future<grpc::Status>> calls;
  for (int i = 0; i < kCalls; ++i) {
    contexts.push_back(std::make_unique<TestContext>());
    calls.push_back(std::async(std::launch::async, [&server, context = contexts.back().get()] {
      v1::CheckResponse response;
      return server.gradient().Check(context, LongWork(), &response);
    }));
  }
  int refused = 0;
  for (int i = 0; i < kCalls; ++i) {
    const grpc::Status status = calls[static_cast<size_t>(i)].get();
    if (status.ok()) continue;
    ++refused;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(TrailerOf(*contexts[static_cast<size_t>(i)], "grpc-retry-pushback-ms"), "100");
    EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  }
  EXPECT_GE(refused, 1);
  EXPECT_LE(refused, kCalls - 1);
}

}  // namespace
}  // namespace gradus::testing
