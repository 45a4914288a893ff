// TLS over a real socket, with certificates that each test makes for itself.

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/connection.h"
#include "server/transport/health_probe.h"
#include "tests/support/certificates.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_server.h"

namespace gradus::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kDay = 24 * 60 * 60;

class TlsTest : public ::testing::Test {
 protected:
  // Writes NAME.crt and NAME.key.
  TlsFiles Write(const std::string& name, const Credential& credential) const {
    return {.certificate = folder_.Write(name + ".crt", credential.certificate),
            .key = folder_.Write(name + ".key", credential.key)};
  }

  std::unique_ptr<Server> Start(const TlsFiles& tls) const {
    auto server = Server::Start({.listen_address = "127.0.0.1:0", .tls = tls});
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }

  // Calls a server as our client does.
  static absl::Status Call(const Server& server, const TlsFiles& tls,
                           const std::string& server_name = "localhost") {
    const auto connection =
        Connection::Open({.server = "127.0.0.1:" + std::to_string(server.port()),
                          .tls = tls,
                          .server_name = server_name,
                          .timeout = std::chrono::seconds(30)});
    if (!connection.ok()) return connection.status();
    return connection->Call(&v1::GradientService::Stub::GetLimits, v1::GetLimitsRequest()).status();
  }

  // A channel to a server, with a certificate that our client may not even send.
  std::shared_ptr<grpc::Channel> ChannelTo(const Server& server,
                                           const Credential& credential) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.certificate();
    options.pem_private_key = credential.key;
    options.pem_cert_chain = credential.certificate;
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server.port()),
                                     grpc::SslCredentials(options), arguments);
  }

  grpc::Status CallWith(const Server& server, const Credential& credential) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::GetLimitsResponse response;
    return v1::GradientService::Stub(ChannelTo(server, credential))
        .GetLimits(&context, {}, &response);
  }

  const TemporaryFolder folder_;
  const CertificateAuthority authority_{"authority"};
  const CertificateAuthority stranger_{"stranger"};
  const std::string ca_ = folder_.Write("ca.crt", authority_.certificate());
};

TEST_F(TlsTest, AClientCallsTheServerThatItTrusts) {
  const auto server = Start(Write("server", authority_.Issue("localhost")));
  EXPECT_EQ(Call(*server, {.ca = ca_}), absl::OkStatus());
  // Neither in plain text, nor with other roots, nor under another name.
  EXPECT_EQ(Call(*server, {}).code(), absl::StatusCode::kUnavailable);
  const std::string other_ca = folder_.Write("other.crt", stranger_.certificate());
  EXPECT_EQ(Call(*server, {.ca = other_ca}).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Call(*server, {.ca = ca_}, "example.org").code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsTest, AServerThatAsksForCertificatesRefusesOthers) {
  TlsFiles files = Write("server", authority_.Issue("localhost"));
  files.ca = ca_;
  const auto server = Start(files);
  TlsFiles client = Write("client", authority_.Issue("ada"));
  client.ca = ca_;
  EXPECT_EQ(Call(*server, client), absl::OkStatus());
  EXPECT_EQ(Call(*server, {.ca = ca_}).code(), absl::StatusCode::kUnavailable);
  const auto code = [&](const Credential& credential) {
    return CallWith(*server, credential).error_code();
  };
  EXPECT_EQ(code(authority_.Issue("ada")), grpc::StatusCode::OK);
  EXPECT_EQ(code(authority_.Issue("ada", /*seconds_left=*/-60)), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(code(authority_.Issue("ada", /*seconds_left=*/3 * kDay)),
            grpc::StatusCode::UNAVAILABLE);  // good from tomorrow on
  EXPECT_EQ(code(stranger_.Issue("ada")), grpc::StatusCode::UNAVAILABLE);
}

// A call that has begun goes on over the old certificate, while new connections see the new one.
TEST_F(TlsTest, TakesNewCertificatesWithoutDroppingCalls) {
  TlsFiles files = Write("server", authority_.Issue("localhost"));
  files.reload_seconds = 1;
  const auto server = Start(files);
  const auto channel = ChannelTo(*server, {});
  v1::GradingService::Stub stub(channel);
  TestContext context;
  const auto stream = stub.GradeStream(&context);
  v1::GradeStreamRequest request;
  request.mutable_header()->mutable_assignment()->set_name("unfinished");
  ASSERT_TRUE(
      channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30)));

  // Under other names first, so that the server never sees half of a file.
  const TlsFiles next = Write("next", stranger_.Issue("localhost"));
  std::filesystem::rename(next.certificate, files.certificate);
  std::filesystem::rename(next.key, files.key);
  const std::string other_ca = folder_.Write("other.crt", stranger_.certificate());
  absl::Status status;
  for (int i = 0; i < 100; ++i) {
    status = Call(*server, {.ca = other_ca});
    if (status.ok()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    v1::GetLimitsResponse response;
    TestContext other_call;
    EXPECT_TRUE(v1::GradientService::Stub(channel).GetLimits(&other_call, {}, &response).ok());
  }
  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(Call(*server, {.ca = ca_}).code(), absl::StatusCode::kUnavailable);

  // The stream is still there: its header is read, and found wanting.
  EXPECT_TRUE(stream->Write(request));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// Under whatever name the certificate is for; where clients have to show one, the probe has that of
// the server.
TEST_F(TlsTest, TheHealthProbeSpeaksTls) {
  TlsFiles files = Write("server", authority_.Issue("gradus.example.org"));
  for (const std::string& ca : {std::string(), ca_}) {
    files.ca = ca;
    const auto server = Start(files);
    const std::string address = "127.0.0.1:" + std::to_string(server->port());
    EXPECT_EQ(ProbeHealth(address, files, std::chrono::seconds(10)), absl::OkStatus());
    EXPECT_FALSE(ProbeHealth(address, {}, std::chrono::seconds(10)).ok());
  }
}

TEST_F(TlsTest, AFileThatIsNotGoodIsNamed) {
  const auto error = [](const TlsFiles& tls) {
    const auto server = Server::Start({.listen_address = "127.0.0.1:0", .tls = tls});
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(server.status().message());
  };
  const TlsFiles good = Write("server", authority_.Issue("localhost"));
  const TlsFiles other = Write("other", authority_.Issue("localhost"));
  const TlsFiles expired = Write("expired", authority_.Issue("localhost", /*seconds_left=*/-60));
  const std::string none = folder_.PathOf("none");
  const std::string nonsense = folder_.Write("nonsense", "nonsense\n");

  EXPECT_THAT(error({.certificate = none, .key = good.key}), HasSubstr("/none: cannot be read"));
  EXPECT_THAT(error({.certificate = good.certificate, .key = none}),
              HasSubstr("/none: cannot be read"));
  EXPECT_THAT(error({.certificate = nonsense, .key = good.key}),
              HasSubstr("/nonsense: holds no certificate in PEM"));
  EXPECT_THAT(error({.certificate = good.certificate, .key = nonsense}),
              HasSubstr("/nonsense: holds no private key"));
  EXPECT_THAT(error({.certificate = good.certificate, .key = other.key}),
              HasSubstr("/other.key: is not the key of the certificate in "));
  EXPECT_THAT(error(expired), HasSubstr("/expired.crt: the certificate has expired"));
  EXPECT_THAT(error({.certificate = good.certificate, .key = good.key, .ca = nonsense}),
              HasSubstr("/nonsense: holds no certificate in PEM"));
  EXPECT_THAT(error({.certificate = good.certificate}),
              HasSubstr("both a certificate and its key"));
  EXPECT_THAT(error({.ca = ca_}), HasSubstr("both a certificate and its key"));

  // The client says the same.
  const auto client = Connection::Open({.server = "localhost:1", .tls = {.ca = none}});
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("/none: cannot be read"));
}

}  // namespace
}  // namespace gradus::testing
