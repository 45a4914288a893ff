#include <memory>
#include <string>
#include <string_view>

#include "server/transport/capability_token.h"
#include "server/transport/token_file.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/target.h"
#include "tests/support/jwt.h"
#include "tests/support/temporary_folder.h"

namespace gradus::testing {
namespace {

constexpr char kSecret[] = "0123456789abcdef0123456789abcdef";
// Good until the year 2100.
constexpr char kClaims[] = R"({"aud":"gradus","sub":"emil","role":"student","exp":4102444800})";

const TemporaryFolder& Folder() {
  static const TemporaryFolder folder;
  return folder;
}

const CapabilityTokens& Tokens() {
  static const auto tokens = CapabilityTokens::Load(Folder().Write("secret", kSecret));
  return **tokens;
}

// Is this the signature that whoever has the key would make?
bool IsSigned(std::string_view token) {
  const size_t first = token.find('.');
  const size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return false;
  std::string header;
  std::string claims;
  return absl::WebSafeBase64Unescape(std::string(token.substr(0, first)), &header) &&
         absl::WebSafeBase64Unescape(std::string(token.substr(first + 1, second - first - 1)),
                                     &claims) &&
         Hs256(kSecret, claims, header) == token;
}

// Requires a caller with a role, or a refusal.
void RequireCaller(const absl::StatusOr<Caller>& caller) {
  if (!caller.ok()) {
    Require(absl::IsUnauthenticated(caller.status()), "a bad token is UNAUTHENTICATED");
    return;
  }
  Require(caller->role == Role::kStaff || caller->role == Role::kStudent, "a caller has a role");
  Require(v1::FeedbackLevel_IsValid(caller->max_feedback_level), "a feedback level is one");
}

}  // namespace

void FuzzToken(std::string_view input) {
  const absl::StatusOr<Caller> by_token = Tokens().Identify(input);
  RequireCaller(by_token);
  Require(!by_token.ok() || IsSigned(input), "only who has the key makes tokens");

  RequireCaller(Tokens().Identify(Hs256(kSecret, input)));
  const absl::StatusOr<Caller> by_header = Tokens().Identify(Hs256(kSecret, kClaims, input));
  RequireCaller(by_header);
  Require(!by_header.ok() || input.find("HS256") != std::string_view::npos,
          "the key decides the algorithm");

  const std::string path = Folder().Write("file", std::string(input));
  const auto listed = TokenFile::Load(path);
  if (listed.ok()) {
    RequireCaller((*listed)->Identify(input));
  } else {
    RequireUtf8(listed.status().ToString(), input);
  }
  const auto keyed = CapabilityTokens::Load(path);
  if (!keyed.ok()) RequireUtf8(keyed.status().ToString(), input);
}

}  // namespace gradus::testing
