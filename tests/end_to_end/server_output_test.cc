// What gradus-server prints as a program: its log and its version.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "nlohmann/json.hpp"
#include "tests/support/raw_call.h"
#include "tests/support/scrape.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// A running gradus-server, of which standard output and error are read as one.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    arguments.insert(arguments.begin(), GRADUS_SERVER);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const int error =
        posix_spawn(&process_, GRADUS_SERVER, &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    output_.reset(fdopen(ends[0], "r"));
    if (error != 0) throw std::runtime_error("cannot run " GRADUS_SERVER);
  }
  ~Program() {
    if (process_ == 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // The next line, without its end; empty if there are no more.
  std::string ReadLine() {
    std::string line;
    for (int c = 0; (c = std::fgetc(output_.get())) != EOF && c != '\n';) {
      line += static_cast<char>(c);
    }
    return line;
  }

  // The port that the next line with this text names.
  std::string ReadPort(const std::string& text) {
    static const std::regex port(R"(\(port (\d+)\))");
    while (true) {
      lines_.push_back(ReadLine());
      const std::string& line = lines_.back();
      if (line.empty()) throw std::runtime_error("the server ended: no " + text);
      std::smatch match;
      if (line.find(text) != std::string::npos && std::regex_search(line, match, port)) {
        return match[1];
      }
    }
  }

  void Terminate() { kill(process_, SIGTERM); }

  // Reads the rest, and returns the exit code.
  int Wait() {
    for (std::string line = ReadLine(); !line.empty(); line = ReadLine()) lines_.push_back(line);
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // What ReadPort and Wait have read.
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  pid_t process_ = 0;
  std::unique_ptr<std::FILE, Close> output_;
  std::vector<std::string> lines_;
};

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(ServerOutputTest, SaysWhatItIsMadeOf) {
  Program program({"--version"});
  EXPECT_EQ(program.Wait(), 0);
  const std::string text = Joined(program.lines());
  EXPECT_THAT(text, ContainsRegex("gradus-server [0-9]"));
  EXPECT_THAT(text, ContainsRegex("\ngRPC [0-9]"));
  EXPECT_EQ(text.find("put a proxy in front") != std::string::npos,
            grpc::Version().starts_with("1.51."));
}

TEST(ServerOutputTest, EndsWith3IfAPortIsInUse) {
  TestServer other({.metrics_address = "127.0.0.1:0"});
  const std::string metrics = "127.0.0.1:" + std::to_string(other.server().metrics_port());
  Program program({"--listen", "127.0.0.1:0", "--metrics-listen", metrics});
  EXPECT_EQ(program.Wait(), 3);
  EXPECT_THAT(program.lines().back(), HasSubstr("cannot listen on " + metrics + " for metrics"));
  Program second({"--listen", other.address(), "--metrics-listen", ""});
  EXPECT_EQ(second.Wait(), 3);
  EXPECT_THAT(second.lines().back(), HasSubstr("cannot listen on " + other.address()));
}

TEST(ServerOutputTest, LogsAnObjectALine) {
  Program program({"--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log-format",
                   "json", "--drain-delay-ms", "0", "--drain-grace-ms", "100"});
  const std::string port = program.ReadPort("listens on");
  const std::string metrics_port = program.ReadPort("metrics are on");
  const auto channel = grpc::CreateChannel("127.0.0.1:" + port, grpc::InsecureChannelCredentials());
  const auto stub = v1::GradientService::NewStub(channel);
  {
    TestContext context;
    context.AddMetadata("x-request-id", "first");
    context.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    context.AddMetadata("authorization", "Bearer very-secret");
    v1::BackwardRequest request;
    *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
    v1::BackwardResponse response;
    ASSERT_TRUE(stub->Backward(&context, request, &response).ok());
  }
  {
    TestContext context;
    context.AddMetadata("x-request-id", "second");
    v1::ForwardRequest request;
    request.mutable_problem()->mutable_network()->add_nodes()->set_name("secret \"node\"\n");
    v1::ForwardResponse response;
    EXPECT_EQ(stub->Forward(&context, request, &response).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
  {
    // A name that is no UTF-8, of which protobuf writes to its own log: problem { network {
    // nodes { name: "\377" } } }.
    const std::string bytes = "\x0a\x07\x0a\x05\x22\x03\x0a\x01\xff";
    const grpc::Status status = RawCall(channel, "gradus.v1.GradientService/Forward", {bytes});
    EXPECT_FALSE(status.ok());
  }
  EXPECT_EQ(ParseMetrics(GetMetrics(std::stoi(metrics_port))).count("gradus_workers"), 1U);
  program.Terminate();
  EXPECT_EQ(program.Wait(), 0);

  std::map<std::string, nlohmann::json> calls;
  std::string messages;
  for (const std::string& line : program.lines()) {
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(object.is_object()) << line;
    EXPECT_TRUE(std::regex_match(object.at("ts").get<std::string>(),
                                 std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")))
        << line;
    EXPECT_TRUE(object.at("level").is_string());
    if (object.contains("message")) {
      messages += object["message"].get<std::string>() + "\n";
    } else {
      calls[object.at("request_id")] = object;
    }
  }
  EXPECT_THAT(messages, HasSubstr("listens on"));
  // From protobuf itself, in old versions, or else from Abseil.
  EXPECT_THAT(messages,
              AnyOf(HasSubstr("protobuf: String field"), HasSubstr("absl: String field")));
  EXPECT_THAT(messages, HasSubstr("stopped"));
  EXPECT_EQ(messages.find("put a proxy in front"), messages.rfind("put a proxy in front"));

  const nlohmann::json& first = calls["first"];
  EXPECT_EQ(first.at("method"), "gradus.v1.GradientService/Backward");
  EXPECT_EQ(first.at("code"), "OK");
  EXPECT_EQ(first.at("trace_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_FALSE(first.contains("reason"));
  EXPECT_GT(first.at("request_bytes"), 100);
  EXPECT_GT(first.at("response_bytes"), 100);
  EXPECT_GT(first.at("total_ms"), 0);
  EXPECT_GE(first.at("total_ms").get<double>(),
            first.at("queue_ms").get<double>() + first.at("compute_ms").get<double>());
  EXPECT_THAT(first.at("peer").get<std::string>(), HasSubstr("127.0.0.1"));
  const nlohmann::json& second = calls["second"];
  EXPECT_EQ(second.at("code"), "INVALID_ARGUMENT");
  EXPECT_TRUE(second.at("reason").is_string());
  EXPECT_FALSE(second.contains("trace_id"));
  // Neither what a call carries nor who may make it.
  for (const std::string payload : {"secret", "W1", "half_squared_error"}) {
    EXPECT_THAT(Joined(program.lines()), Not(HasSubstr(payload)));
  }
}

}  // namespace
}  // namespace gradus::testing
