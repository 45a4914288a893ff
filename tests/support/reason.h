#ifndef GRADUS_TESTS_SUPPORT_REASON_H_
#define GRADUS_TESTS_SUPPORT_REASON_H_

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

namespace gradus::testing {

// The reason of an ErrorInfo of ours in the details of an error; empty if there is none.
inline std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info) && info.domain() == "gradus.v1") return info.reason();
  }
  return "";
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_REASON_H_
