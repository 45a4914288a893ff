#include "server/transport/identity.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gradus/v1/grading_service.pb.h"
#include "server/grading/grade.h"
#include "server/transport/address.h"

namespace gradus {
namespace {

// Knows one token, and one that has expired.
class OneToken final : public Authenticator {
 public:
  OneToken(std::string token, std::string expired)
      : token_(std::move(token)), expired_(std::move(expired)) {}
  absl::StatusOr<Caller> Identify(std::string_view token) const override {
    if (token == token_) return Caller{.role = Role::kStaff, .subject = token_};
    return token == expired_ ? TokenExpired() : TokenInvalid();
  }
  absl::Status Reload() override { return absl::OkStatus(); }

 private:
  const std::string token_;
  const std::string expired_;
};

TEST(IdentityTest, ATokenFollowsBearer) {
  const OneToken tokens("t", "old");
  EXPECT_TRUE(Identify(&tokens, {"Bearer t"}).ok());
  EXPECT_TRUE(Identify(&tokens, {"bEARER t"}).ok());
  const std::vector<std::vector<std::string_view>> wrong = {
      {"t"},         {""},          {"Bearer"},
      {"Bearer "},   {"Basic t"},   {"Bearer  t"},
      {"Bearer t "}, {"Bearer\tt"}, {"Bearer t", "Bearer t"},
  };
  for (const auto& values : wrong) EXPECT_EQ(Identify(&tokens, values).status(), TokenInvalid());
  EXPECT_EQ(Identify(&tokens, {}).status().code(), absl::StatusCode::kUnauthenticated);
}

TEST(IdentityTest, TheLongestTokenIsEightKibibytes) {
  const std::string longest(8192, 'a');
  EXPECT_TRUE(Identify(std::make_unique<OneToken>(longest, "").get(), {"Bearer " + longest}).ok());
  const std::string longer = longest + "a";
  EXPECT_EQ(Identify(std::make_unique<OneToken>(longer, "").get(), {"Bearer " + longer}).status(),
            TokenInvalid());
}

TEST(IdentityTest, OneOfSeveralHasToKnowTheToken) {
  std::vector<std::unique_ptr<Authenticator>> both;
  both.push_back(std::make_unique<OneToken>("a", "old"));
  both.push_back(std::make_unique<OneToken>("b", "older"));
  const auto any = AnyOf(std::move(both));
  EXPECT_EQ(any->Identify("a")->subject, "a");
  EXPECT_EQ(any->Identify("b")->subject, "b");
  EXPECT_EQ(any->Identify("c").status(), TokenInvalid());
  EXPECT_EQ(any->Identify("old").status(), TokenExpired());
  EXPECT_EQ(any->Identify("older").status(), TokenExpired());
}

TEST(IdentityTest, WithoutTokensEverybodyIsStaff) {
  EXPECT_EQ(Identify(nullptr, {})->role, Role::kStaff);
  EXPECT_EQ(Identify(nullptr, {"Bearer whatever"})->role, Role::kStaff);
}

TEST(IdentityTest, StudentsUseHeldAssignmentsOnly) {
  const Caller staff = {.role = Role::kStaff};
  const Caller student = {.role = Role::kStudent};
  const Caller bound = {.role = Role::kStudent, .assignment = "week 3"};
  v1::GradeRequest inline_source;
  inline_source.mutable_assignment()->set_name("week 3");
  v1::GradeRequest week_3;
  week_3.set_assignment_name("week 3");
  v1::GradeRequest week_4;
  week_4.set_assignment_name("week 4");
  const auto code = [](const Caller& caller, const v1::GradeRequest& request) {
    return MayGradeAgainst(caller, request).code();
  };
  for (const auto& request : {inline_source, week_3, week_4}) {
    EXPECT_EQ(code(staff, request), absl::StatusCode::kOk);
  }
  EXPECT_EQ(code(student, inline_source), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(student, week_3), absl::StatusCode::kOk);
  EXPECT_EQ(code(student, week_4), absl::StatusCode::kOk);
  EXPECT_EQ(code(bound, inline_source), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(bound, week_3), absl::StatusCode::kOk);
  EXPECT_EQ(code(bound, week_4), absl::StatusCode::kPermissionDenied);
}

TEST(IdentityTest, TheLowerLevelCounts) {
  EXPECT_EQ(LowerLevel(v1::FEEDBACK_LEVEL_SCORE, v1::FEEDBACK_LEVEL_VALUES),
            v1::FEEDBACK_LEVEL_SCORE);
  EXPECT_EQ(LowerLevel(v1::FEEDBACK_LEVEL_VALUES, v1::FEEDBACK_LEVEL_MISTAKE),
            v1::FEEDBACK_LEVEL_MISTAKE);
  EXPECT_EQ(LowerLevel(v1::FEEDBACK_LEVEL_UNSPECIFIED, v1::FEEDBACK_LEVEL_MISTAKE),
            v1::FEEDBACK_LEVEL_MISTAKE);
  EXPECT_EQ(LowerLevel(v1::FEEDBACK_LEVEL_MISTAKE, v1::FEEDBACK_LEVEL_UNSPECIFIED),
            v1::FEEDBACK_LEVEL_MISTAKE);
}

TEST(AddressTest, OnlyWhatIsSureToBeThisMachineIsLocal) {
  for (const char* local : {"127.0.0.1:50051", "127.9.9.9:0", "localhost:1", "[::1]:50051",
                            "unix:/run/gradus.sock", "unix-abstract:gradus"}) {
    EXPECT_TRUE(IsLocalAddress(local)) << local;
  }
  for (const char* remote :
       {"0.0.0.0:50051", "[::]:50051", "10.0.0.1:50051", "128.0.0.1:1", ":50051", "127.1:1",
        "127.0.0.1.example.org:1", "localhost.example.org:1", "example.org:1", "dns:///localhost:1",
        "[::ffff:10.0.0.1]:1", "*:1", "127.0.0.1", ""}) {
    EXPECT_FALSE(IsLocalAddress(remote)) << remote;
  }
}

}  // namespace
}  // namespace gradus
