// Requests as bytes, over a real socket: what is no message, and what would take too much memory as
// one.

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

#include "tests/support/raw_call.h"
#include "tests/support/reason.h"
#include "tests/support/scrape.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using ::testing::HasSubstr;

// Longer than what gRPC's threads parse.
constexpr size_t kLarge = 100'000;

std::vector<const google::protobuf::MethodDescriptor*> AllMethods() {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const char* service : {"gradus.v1.GradientService", "gradus.v1.GradingService"}) {
    const auto* descriptor =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
    for (int i = 0; i < descriptor->method_count(); ++i) methods.push_back(descriptor->method(i));
  }
  return methods;
}

std::string PathOf(const google::protobuf::MethodDescriptor& method) {
  return std::string(method.service()->full_name()) + "/" + std::string(method.name());
}

// Field 1, of a length that the bytes do not have.
std::string CutShort(size_t size) { return "\x0a\xff\xff\xff\x7f" + std::string(size, 'a'); }

TEST(RawRequestTest, BytesThatAreNoMessageAreTheCallersMistake) {
  TestServer server({.metrics_address = "127.0.0.1:0"});
  int count = 0;
  for (const auto* method : AllMethods()) {
    // Declared only: they are not implemented, whatever is asked.
    if (method->name() == "Explain" || method->name() == "StreamTrace") continue;
    for (const size_t size : {size_t{10}, kLarge}) {
      const grpc::Status status = RawCall(server.channel(), PathOf(*method), {CutShort(size)});
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << PathOf(*method);
      EXPECT_THAT(status.error_message(),
                  HasSubstr("no " + std::string(method->input_type()->full_name())));
      EXPECT_EQ(ReasonOf(status), "MALFORMED_REQUEST");
      ++count;
    }
  }
  EXPECT_EQ(ParseMetrics(GetMetrics(server.server().metrics_port()))
                .at("gradus_rejected_total{reason=\"MALFORMED_REQUEST\"}"),
            count);
}

TEST(RawRequestTest, TextThatIsNotUtf8IsSoToo) {
  TestServer server;
  // problem { network { nodes { name: "\377" } } }
  const std::string bytes = "\x0a\x07\x0a\x05\x22\x03\x0a\x01\xff";
  const grpc::Status status =
      RawCall(server.channel(), "gradus.v1.GradientService/Forward", {bytes});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "MALFORMED_REQUEST");
}

TEST(RawRequestTest, AnEmptyMessageIsOne) {
  TestServer server;
  EXPECT_TRUE(RawCall(server.channel(), "gradus.v1.GradientService/GetLimits", {""}).ok());
  EXPECT_EQ(ReasonOf(RawCall(server.channel(), "gradus.v1.GradientService/Forward", {""})),
            "MISSING_FIELD");
}

// Later messages of a stream are read while others are computed.
TEST(RawRequestTest, AMessageThatIsNoneEndsAStream) {
  TestServer server;
  v1::GradeStreamRequest header;
  *header.mutable_header()->mutable_assignment() =
      FromFile<v1::Assignment>("examples/homework/homework.txtpb");
  v1::GradeStreamRequest batch;
  batch.mutable_batch()->add_submissions()->set_id("a");
  for (const size_t size : {size_t{10}, kLarge}) {
    const grpc::Status status =
        RawCall(server.channel(), "gradus.v1.GradingService/GradeStream",
                {header.SerializeAsString(), batch.SerializeAsString(), CutShort(size)});
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(status), "MALFORMED_REQUEST");
  }
}

// As many bytes as a request may have.
TEST(RawRequestTest, WhatGrowsTooMuchIsNotParsed) {
  TestServer server;
  // problem { network { nodes {} nodes {} ... } }
  std::string nodes;
  while (nodes.size() < (size_t{16} << 20) - 100) nodes.append("\x22\x00", 2);
  const auto varint = [](size_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
    return bytes += static_cast<char>(value);
  };
  const std::string network = "\x0a" + varint(nodes.size()) + nodes;
  const std::string bytes = "\x0a" + varint(network.size()) + network;
  const grpc::Status status =
      RawCall(server.channel(), "gradus.v1.GradientService/Forward", {bytes});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "LIMIT_EXCEEDED");
  EXPECT_THAT(status.error_message(), HasSubstr("once it is read, the limit is 268435456"));
}

TEST(RawRequestTest, NumbersMayFillARequest) {
  TestServer server;
  auto request = FromText<v1::ForwardRequest>(R"pb(
    problem {
      network {
        inputs { name: "x" }
        nodes {
          name: "L"
          inputs: "x"
          sum {}
        }
      }
      inputs {
        name: "x"
        tensor { shape: 2000000 }
      }
    }
    trace { only: "L" }
  )pb");
  v1::Tensor& x = *request.mutable_problem()->mutable_inputs(0)->mutable_tensor();
  while (x.values_size() < 2'000'000) x.add_values(0.5);
  TestContext context;
  v1::ForwardResponse response;
  const grpc::Status status = server.gradient().Forward(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.trace().entries(0).tensor().values(0), 1e6);
}

}  // namespace
}  // namespace gradus::testing
