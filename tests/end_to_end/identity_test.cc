// Who may call what, over a real socket.

#include <atomic>
#include <ctime>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"

#include "client/connection.h"
#include "client/health_command.h"
#include "client/ops_command.h"
#include "server/grading/assignment_store.h"
#include "tests/client/capture.h"
#include "tests/support/certificates.h"
#include "tests/support/jwt.h"
#include "tests/support/reason.h"
#include "tests/support/scrape.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using enum grpc::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "a secret that nobody can guess: 7";
constexpr char kStaffToken[] = "token-of-ada";
// As `printf %s token-of-ada | sha256sum` prints it.
constexpr char kTokens[] =
    "staff ada db399cbb0859754964173adbc8acda8fc539c5c6dcf8ecb1680a04ff94749fac\n";

// Calls an RPC and returns what it ends with.
using CallFunction = std::function<grpc::Status(TestServer&, grpc::ClientContext*)>;

template <class Request, class Response>
CallFunction Unary(grpc::Status (v1::GradientService::Stub::*method)(grpc::ClientContext*,
                                                                     const Request&, Response*)) {
  return [method](TestServer& server, grpc::ClientContext* context) {
    Response response;
    return (server.gradient().*method)(context, Request(), &response);
  };
}

template <class Request, class Response>
CallFunction Unary(grpc::Status (v1::GradingService::Stub::*method)(grpc::ClientContext*,
                                                                    const Request&, Response*),
                   const std::string& request) {
  return [method, request](TestServer& server, grpc::ClientContext* context) {
    Response response;
    return (server.grading().*method)(context, FromText<Request>(request), &response);
  };
}

CallFunction Stream(const std::string& header) {
  return [header](TestServer& server, grpc::ClientContext* context) {
    const auto stream = server.grading().GradeStream(context);
    v1::GradeStreamRequest request;
    *request.mutable_header() = FromText<v1::GradeStreamHeader>(header);
    stream->Write(request);
    stream->WritesDone();
    v1::GradeStreamResponse response;
    while (stream->Read(&response)) {
    }
    return stream->Finish();
  };
}

struct Row {
  std::string rpc;
  CallFunction call;
  // What those get who may call it; the requests are empty, or name assignments that are not there.
  grpc::StatusCode staff;
  // Students, and one whose token is for the assignment "mine".
  grpc::StatusCode student;
  grpc::StatusCode bound;
};

// This server holds no assignments.
constexpr grpc::StatusCode kNotHeld = NOT_FOUND;

std::vector<Row> Rows() {
  using Gradient = v1::GradientService::Stub;
  using Grading = v1::GradingService::Stub;
  const std::string inlined = "assignment {} submission {}";
  const std::string mine = "assignment_name: 'mine' submission {}";
  const std::string other = "assignment_name: 'other' submission {}";
  const grpc::StatusCode bad = INVALID_ARGUMENT;
  const grpc::StatusCode no = PERMISSION_DENIED;
  return {
      {"Forward", Unary(&Gradient::Forward), bad, no, no},
      {"Backward", Unary(&Gradient::Backward), bad, no, no},
      {"Step", Unary(&Gradient::Step), bad, no, no},
      {"Check", Unary(&Gradient::Check), bad, no, no},
      {"Explain", Unary(&Gradient::Explain), UNIMPLEMENTED, no, no},
      {"StreamTrace",
       [](TestServer& server, grpc::ClientContext* context) {
         const auto stream = server.gradient().StreamTrace(context, {});
         v1::StreamTraceResponse response;
         while (stream->Read(&response)) {
         }
         return stream->Finish();
       },
       UNIMPLEMENTED, no, no},
      {"ListOps", Unary(&Gradient::ListOps), OK, OK, OK},
      {"GetLimits", Unary(&Gradient::GetLimits), OK, OK, OK},
      {"Grade", Unary(&Grading::Grade, ""), bad, bad, bad},
      {"Grade", Unary(&Grading::Grade, inlined), bad, no, no},
      {"Grade", Unary(&Grading::Grade, mine), kNotHeld, kNotHeld, kNotHeld},
      {"Grade", Unary(&Grading::Grade, other), kNotHeld, kNotHeld, no},
      {"GradeStream", Stream(""), bad, bad, bad},
      {"GradeStream", Stream("assignment {}"), bad, no, no},
      {"GradeStream", Stream("assignment_name: 'mine'"), kNotHeld, kNotHeld, kNotHeld},
      {"GradeStream", Stream("assignment_name: 'other'"), kNotHeld, kNotHeld, no},
      {"LintAssignment", Unary(&Grading::LintAssignment, ""), bad, no, no},
      {"ListAssignments", Unary(&Grading::ListAssignments, ""), OK, OK, OK},
      {"GetAssignment", Unary(&Grading::GetAssignment, "name: 'mine'"), kNotHeld, kNotHeld,
       kNotHeld},
      {"GetAssignment", Unary(&Grading::GetAssignment, "name: 'other'"), kNotHeld, kNotHeld, no},
  };
}

class IdentityTest : public ::testing::Test {
 protected:
  IdentityTest() {
    options_.token_file = folder_.Write("tokens", kTokens);
    options_.token_key_file = folder_.Write("key", kSecret);
  }

  static grpc::Status Call(TestServer& server, const CallFunction& call, const std::string& token) {
    TestContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    return call(server, &context);
  }

  const TemporaryFolder folder_;
  ServerOptions options_;
  const std::string student_ = Hs256(kSecret, Claims("student"));
  const std::string bound_ = Hs256(kSecret, Claims("student", R"(,"assignment":"mine")"));
  const std::string expired_ =
      Hs256(kSecret, R"({"aud":"gradus","sub":"emil","role":"staff","exp":1})");
};

TEST_F(IdentityTest, EachRoleCallsWhatItMay) {
  TestServer server(options_);
  for (const Row& row : Rows()) {
    for (const auto& [token, code] : std::vector<std::pair<std::string, grpc::StatusCode>>{
             {kStaffToken, row.staff},
             {Hs256(kSecret, Claims("staff")), row.staff},
             {student_, row.student},
             {bound_, row.bound}}) {
      const grpc::Status status = Call(server, row.call, token);
      EXPECT_EQ(status.error_code(), code) << row.rpc << " " << status.error_message();
      EXPECT_EQ(ReasonOf(status) == "ROLE_FORBIDDEN", code == PERMISSION_DENIED) << row.rpc;
    }
    for (const auto& [token, reason] :
         std::vector<std::pair<std::string, std::string>>{{"", "TOKEN_MISSING"},
                                                          {"token-of-nobody", "TOKEN_INVALID"},
                                                          {expired_, "TOKEN_EXPIRED"}}) {
      const grpc::Status status = Call(server, row.call, token);
      EXPECT_EQ(status.error_code(), UNAUTHENTICATED) << row.rpc << " " << token;
      EXPECT_EQ(ReasonOf(status), reason) << row.rpc;
    }
  }
}

TEST_F(IdentityTest, EveryRpcHasARow) {
  std::multiset<std::string> rows;
  for (const Row& row : Rows()) rows.insert(row.rpc);
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  for (const char* name :
       {v1::GradientService::service_full_name(), v1::GradingService::service_full_name()}) {
    const auto* service = pool->FindServiceByName(name);
    ASSERT_NE(service, nullptr);
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string method(service->method(i)->name());
      EXPECT_GE(rows.count(method), 1) << method;
    }
  }
}

TEST_F(IdentityTest, HealthNeedsNoToken) {
  TestServer server(options_);
  const Outcome outcome = Capture([&] { return RunHealth({.server = server.address()}); });
  EXPECT_EQ(outcome.output, "SERVING\n") << outcome.error;
}

TEST_F(IdentityTest, WithoutTokensEverybodyIsStaff) {
  TestServer server;
  for (const Row& row : Rows()) {
    EXPECT_EQ(Call(server, row.call, "").error_code(), row.staff) << row.rpc;
    EXPECT_EQ(Call(server, row.call, student_).error_code(), row.staff) << row.rpc;
  }
}

TEST_F(IdentityTest, HostileTokensAreRefusedAndNeverLogged) {
  const std::vector<std::string> tokens = {
      "secret-marker",
      "secret-marker" + std::string(8192, 'a'),   // too long
      "secret-marker" + std::string(65536, 'a'),  // T4: 64 KiB
      SigningInput(R"({"alg":"none"})", Claims("staff", R"(,"x":"secret-marker")")) + ".",
      Hs256("not the secret, but long enough as one", Claims("staff")),
      student_.substr(0, student_.size() - 2),
      expired_,
  };
  std::ostringstream text;
  const auto previous = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "captured", std::make_shared<spdlog::sinks::ostream_sink_mt>(text)));
  ::testing::internal::CaptureStderr();
  options_.logs_calls = true;
  options_.metrics_address = "127.0.0.1:0";
  std::string messages;
  Scrape metrics;
  {
    TestServer server(options_);
    const Row row = Rows().front();
    for (const std::string& token : tokens) {
      const grpc::Status status = Call(server, row.call, token);
      EXPECT_EQ(status.error_code(), UNAUTHENTICATED) << token.substr(0, 100);
      messages += status.error_message() + status.error_details();
    }
    Call(server, row.call, kStaffToken);
    Call(server, row.call, student_);
    Call(server, row.call, "");
    metrics = ParseMetrics(GetMetrics(server.server().metrics_port()));
  }
  spdlog::set_default_logger(previous);
  const std::string all = text.str() + messages + ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(all, AllOf(HasSubstr("code=UNAUTHENTICATED"), HasSubstr("role=- subject=-"),
                         HasSubstr("role=staff subject=ada"), HasSubstr("code=PERMISSION_DENIED"),
                         HasSubstr("role=student subject=emil")));
  for (const std::string reason :
       {"TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_MISSING", "ROLE_FORBIDDEN"}) {
    EXPECT_THAT(text.str(), HasSubstr("reason=" + reason));
    EXPECT_GE(metrics.at("gradus_rejected_total{reason=\"" + reason + "\"}"), 1) << reason;
  }
  EXPECT_THAT(all, AllOf(Not(HasSubstr("secret-marker")), Not(HasSubstr(kStaffToken)),
                         Not(HasSubstr("eyJ"))));  // how every JWT begins
}

TEST_F(IdentityTest, TokensThatAreStruckFromTheFileAreRefused) {
  TestServer server(options_);
  const CallFunction limits = Unary(&v1::GradientService::Stub::GetLimits);
  EXPECT_TRUE(Call(server, limits, kStaffToken).ok());
  folder_.Write("tokens", "student emil " + std::string(64, '0'));
  EXPECT_TRUE(Call(server, limits, kStaffToken).ok());
  EXPECT_EQ(server.server().ReloadTokens(), absl::OkStatus());
  EXPECT_EQ(Call(server, limits, kStaffToken).error_code(), UNAUTHENTICATED);
}

// Whatever the request asks for and the assignment allows.
TEST_F(IdentityTest, TheTokenLimitsWhatReportsTell) {
  TestServer server(options_);
  auto assignment = FromFile<v1::Assignment>("examples/homework/homework.txtpb");
  assignment.mutable_policy()->set_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
  for (const auto& [claim, level] : std::vector<std::pair<std::string, v1::FeedbackLevel>>{
           {"", v1::FEEDBACK_LEVEL_VALUES},
           {R"(,"feedback":"SCORE")", v1::FEEDBACK_LEVEL_SCORE},
           {R"(,"feedback":"FIRST_WRONG_STEP")", v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP}}) {
    const std::string authorization = "Bearer " + Hs256(kSecret, Claims("staff", claim));
    {
      TestContext context;
      context.AddMetadata("authorization", authorization);
      v1::GradeRequest request;
      *request.mutable_assignment() = assignment;
      request.mutable_submission();
      request.set_max_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
      v1::GradeResponse response;
      const grpc::Status status = server.grading().Grade(&context, request, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      EXPECT_EQ(response.report().feedback_level(), level);
    }
    TestContext context;
    context.AddMetadata("authorization", authorization);
    const auto stream = server.grading().GradeStream(&context);
    v1::GradeStreamRequest request;
    *request.mutable_header()->mutable_assignment() = assignment;
    request.mutable_header()->set_max_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
    stream->Write(request);
    request.mutable_batch()->add_submissions()->set_id("s");
    stream->Write(request);
    stream->WritesDone();
    v1::GradeStreamResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.results(0).report().feedback_level(), level);
    EXPECT_TRUE(stream->Finish().ok());
  }
}

// The assignment allows all, the request asks for all; a student sees what the token says, and the
// assignments that it is for.
TEST_F(IdentityTest, AStudentGradesAgainstAHeldAssignment) {
  const TemporaryFolder assignments;
  auto assignment = FromFile<v1::Assignment>("examples/homework/homework.txtpb");
  assignment.mutable_policy()->set_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
  for (const char* name : {"mine", "other"}) {
    assignment.set_name(name);
    assignments.Write(std::string(name) + ".txtpb", ToText(assignment));
  }
  const auto store = std::make_shared<AssignmentStore>(
      AssignmentStoreOptions{.directory = assignments.PathOf("")});
  const std::atomic<bool> cancelled = false;
  ASSERT_THAT(store->Read(cancelled), ::testing::IsEmpty());
  options_.assignments = store;
  TestServer server(options_);

  const std::string token =
      Hs256(kSecret, Claims("student", R"(,"assignment":"mine","feedback":"VERDICT")"));
  const auto grade = [&](const std::string& name, v1::GradeResponse* response) {
    TestContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    v1::GradeRequest request;
    request.set_assignment_name(name);
    request.mutable_submission();
    request.set_max_feedback_level(v1::FEEDBACK_LEVEL_VALUES);
    return server.grading().Grade(&context, request, response);
  };
  v1::GradeResponse response;
  EXPECT_TRUE(grade("mine", &response).ok());
  EXPECT_EQ(response.report().feedback_level(), v1::FEEDBACK_LEVEL_VERDICT);
  EXPECT_EQ(grade("other", &response).error_code(), PERMISSION_DENIED);

  const auto names = [&](const std::string& of) {
    TestContext context;
    context.AddMetadata("authorization", "Bearer " + of);
    v1::ListAssignmentsResponse list;
    EXPECT_TRUE(server.grading().ListAssignments(&context, {}, &list).ok());
    return std::vector<std::string>(list.names().begin(), list.names().end());
  };
  EXPECT_THAT(names(token), ::testing::ElementsAre("mine"));
  EXPECT_THAT(names(student_), ::testing::ElementsAre("mine", "other"));
}

TEST_F(IdentityTest, TheClientShowsItsToken) {
  TestServer server(options_);
  const auto run = [&](const ConnectionOptions& connection) {
    return Capture([&] { return RunOps({.name = "relu", .connection = connection}); });
  };
  const Outcome without = run({.server = server.address()});
  EXPECT_EQ(without.code, ExitCode::kBadInput);
  EXPECT_THAT(without.error, HasSubstr("--token-file"));
  EXPECT_EQ(run({.server = server.address(), .token = kStaffToken}).code, ExitCode::kDone);
  const std::string file = folder_.Write("mine", student_ + "\n");
  EXPECT_EQ(run({.server = server.address(), .token_file = file, .token = "wrong"}).code,
            ExitCode::kDone);
  const std::string two = folder_.Write("two", "secret-marker two\n");
  const Outcome bad = run({.server = server.address(), .token_file = two});
  EXPECT_EQ(bad.code, ExitCode::kBadInput);
  EXPECT_THAT(bad.error,
              AllOf(HasSubstr(two + ": a token is one word"), Not(HasSubstr("secret-marker"))));
}

TEST_F(IdentityTest, TheClientSendsNoTokenInPlainText) {
  const auto connection = Connection::Open({.server = "example.org:50051", .token = "secret"});
  EXPECT_EQ(connection.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(connection.status().message()),
              AllOf(HasSubstr("give --tls-ca"), Not(HasSubstr("secret"))));
  EXPECT_TRUE(Connection::Open({.server = "example.org:50051"}).ok());
  // Over TLS it does, and the server knows it.
  const CertificateAuthority authority("authority");
  const Credential credential = authority.Issue("localhost");
  options_.listen_address = "127.0.0.1:0";
  options_.tls = {.certificate = folder_.Write("server.crt", credential.certificate),
                  .key = folder_.Write("server.key", credential.key)};
  const auto server = Server::Start(options_);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto secure =
      Connection::Open({.server = "127.0.0.1:" + std::to_string((*server)->port()),
                        .tls = {.ca = folder_.Write("ca.crt", authority.certificate())},
                        .server_name = "localhost",
                        .token = kStaffToken});
  ASSERT_TRUE(secure.ok()) << secure.status();
  EXPECT_TRUE(secure->Call(&v1::GradientService::Stub::GetLimits, v1::GetLimitsRequest()).ok());
}

TEST_F(IdentityTest, NothingIsOpenToOtherMachinesByAccident) {
  const auto start = [](ServerOptions options) {
    options.listen_address = "0.0.0.0:0";
    return Server::Start(options).status();
  };
  const CertificateAuthority authority("authority");
  const Credential credential = authority.Issue("localhost");
  const TlsFiles tls = {.certificate = folder_.Write("server.crt", credential.certificate),
                        .key = folder_.Write("server.key", credential.key)};
  EXPECT_THAT(std::string(start({}).message()),
              AllOf(HasSubstr("0.0.0.0:0 can be reached from other machines"),
                    HasSubstr("not be encrypted"), HasSubstr("--insecure-public")));
  EXPECT_THAT(std::string(start(options_).message()), HasSubstr("not be encrypted"));
  EXPECT_THAT(std::string(start({.tls = tls}).message()), HasSubstr("anybody could call as staff"));
  EXPECT_EQ(start({.allows_insecure_public = true}), absl::OkStatus());
  options_.tls = tls;
  EXPECT_EQ(start(options_), absl::OkStatus());
  TlsFiles mutual = tls;
  mutual.ca = folder_.Write("ca.crt", authority.certificate());
  EXPECT_EQ(start({.tls = mutual}), absl::OkStatus());
}

}  // namespace
}  // namespace gradus::testing
