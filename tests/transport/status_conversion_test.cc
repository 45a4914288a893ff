#include "server/transport/status_conversion.h"

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

#include "server/status/field_error.h"

namespace gradus {
namespace {

TEST(StatusConversionTest, KeepsCodeAndMessage) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  const grpc::Status status = ToGrpcStatus(absl::CancelledError("gone"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(status.error_message(), "gone");
  EXPECT_TRUE(status.error_details().empty());
}

TEST(StatusConversionTest, AFieldErrorBecomesABadRequest) {
  const absl::Status inner =
      FieldError({"nodes[3]", "fc2", Reason::kShapeMismatch, "does not fit"});
  const grpc::Status status = ToGrpcStatus(WithFieldPrefix(inner, "network"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "network.nodes[3] 'fc2': does not fit");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(details.details(0).UnpackTo(&bad_request));
  EXPECT_EQ(bad_request.field_violations(0).field(), "network.nodes[3]");
  EXPECT_EQ(bad_request.field_violations(0).description(), "does not fit");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(1).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "SHAPE_MISMATCH");
}

TEST(StatusConversionTest, AResultCarriesTheSame) {
  const absl::Status status = FieldError("submission.id", Reason::kLimitExceeded, "too long");
  EXPECT_EQ(ToRpcStatus(status).SerializeAsString(), ToGrpcStatus(status).error_details());
  const google::rpc::Status plain = ToRpcStatus(absl::AlreadyExistsError("twice"));
  EXPECT_EQ(plain.code(), static_cast<int>(grpc::StatusCode::ALREADY_EXISTS));
  EXPECT_EQ(plain.message(), "twice");
  EXPECT_EQ(plain.details_size(), 0);
}

TEST(StatusConversionTest, NotFoundIsSo) {
  EXPECT_EQ(ToGrpcStatus(FieldError("name", Reason::kNotFound, "no such")).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST(StatusConversionTest, AReasonIsOfTheErrorOrOfItsField) {
  const absl::Status status = WithReason(absl::UnavailableError("full"), kOverloaded);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(ToRpcStatus(status).details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "OVERLOADED");
  EXPECT_EQ(info.domain(), "gradus.v1");
  EXPECT_EQ(ReasonOf(FieldError("nodes[0]", Reason::kCycle, "a -> a")), "CYCLE");
  EXPECT_EQ(ReasonOf(absl::UnavailableError("gone")), "");
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
}

// How many bytes a message takes on the way.
size_t WrittenBytes(const std::string& message) {
  size_t bytes = 0;
  for (const char c : message) bytes += c >= ' ' && c <= '~' && c != '%' ? 1 : 3;
  return bytes;
}

// Every part at its largest, the error must still fit into what gRPC delivers.
TEST(StatusConversionTest, ErrorsStaySmall) {
  for (const std::string character : {"x", "%", "\u00e9", "\u2207", "\U0001d6c1"}) {
    std::string huge = "/";  // so that characters do not begin at multiples of their size
    for (int i = 0; i < 3000; ++i) huge += character;
    for (const absl::Status& status :
         {FieldError({huge, huge, Reason::kInvalidValue, huge}), absl::InternalError(huge),
          WithReason(absl::UnauthenticatedError(huge), kTokenMissing)}) {
      const grpc::Status cut = ToGrpcStatus(status);
      EXPECT_LE(ToRpcStatus(status).ByteSizeLong(), kMaxErrorBytes);
      EXPECT_LE(WrittenBytes(cut.error_message()), 2048U);
      EXPECT_GT(WrittenBytes(cut.error_message()), 1300U);
      EXPECT_TRUE(cut.error_message().ends_with("..."));
      EXPECT_EQ(ReasonOf(status).empty(), cut.error_details().empty());
    }
  }
}

TEST(StatusConversionTest, IsCutBetweenCharacters) {
  std::string nablas = "/";
  for (int i = 0; i < 3000; ++i) nablas += "\u2207";
  const std::string cut = ToGrpcStatus(absl::InternalError(nablas)).error_message();
  EXPECT_EQ(cut, nablas.substr(0, cut.size() - 3) + "...");
  EXPECT_EQ((cut.size() - std::string("/...").size()) % std::string("\u2207").size(), 0U);
}

TEST(StatusConversionTest, WhatFitsIsNotCut) {
  const std::string message(2048, 'x');
  EXPECT_EQ(ToGrpcStatus(absl::InternalError(message)).error_message(), message);
  EXPECT_EQ(ToGrpcStatus(absl::InternalError(message + "x")).error_message(),
            message.substr(3) + "...");
}

}  // namespace
}  // namespace gradus
