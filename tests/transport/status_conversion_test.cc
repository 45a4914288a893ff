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

// Every part at its largest, the details must still fit into what gRPC delivers.
TEST(StatusConversionTest, DetailsStaySmall) {
  const std::string huge(1 << 20, 'x');
  const grpc::Status status = ToGrpcStatus(FieldError({huge, huge, Reason::kInvalidValue, huge}));
  EXPECT_LT(status.error_details().size(), 4096U);
}

}  // namespace
}  // namespace gradus
