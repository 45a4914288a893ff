#include "server/transport/identity.h"

#include <algorithm>
#include <utility>

#include "server/transport/status_conversion.h"

namespace gradus {
namespace {

absl::Status Unauthenticated(std::string_view reason, std::string_view message) {
  return WithReason(absl::UnauthenticatedError(std::string(message)), reason);
}

absl::Status Forbidden(std::string_view message) {
  return WithReason(absl::PermissionDeniedError(std::string(message)), kRoleForbidden);
}

// What follows "Bearer ", whatever the case of that word; empty if the text does not read so.
std::string_view TokenOf(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  const bool is_bearer =
      authorization.size() > kScheme.size() &&
      std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), [](char scheme, char c) {
        return scheme == (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      });
  return is_bearer ? authorization.substr(kScheme.size()) : std::string_view();
}

class AnyOfThem final : public Authenticator {
 public:
  explicit AnyOfThem(std::vector<std::unique_ptr<Authenticator>> others)
      : others_(std::move(others)) {}

  absl::StatusOr<Caller> Identify(std::string_view token) const override {
    absl::Status status = TokenInvalid();
    for (const auto& other : others_) {
      absl::StatusOr<Caller> caller = other->Identify(token);
      if (caller.ok()) return caller;
      // That it has expired says more.
      if (caller.status() != TokenInvalid()) status = caller.status();
    }
    return status;
  }

  absl::Status Reload() override {
    absl::Status status;
    for (const auto& other : others_) status.Update(other->Reload());
    return status;
  }

 private:
  const std::vector<std::unique_ptr<Authenticator>> others_;
};

}  // namespace

std::string_view RoleName(Role role) { return role == Role::kStaff ? "staff" : "student"; }

std::optional<Role> RoleOf(std::string_view name) {
  for (const Role role : {Role::kStaff, Role::kStudent}) {
    if (name == RoleName(role)) return role;
  }
  return std::nullopt;
}

std::unique_ptr<Authenticator> AnyOf(std::vector<std::unique_ptr<Authenticator>> others) {
  return std::make_unique<AnyOfThem>(std::move(others));
}

absl::StatusOr<Caller> Identify(const Authenticator* authenticator,
                                const std::vector<std::string_view>& authorization) {
  if (authenticator == nullptr) return Caller{.role = Role::kStaff};
  if (authorization.empty()) {
    return Unauthenticated(kTokenMissing,
                           "this server asks for a token: send the metadata `authorization: Bearer "
                           "TOKEN`, or give the client --token-file");
  }
  if (authorization.size() > 1) return TokenInvalid();
  const std::string_view token = TokenOf(authorization.front());
  if (token.empty() || token.size() > kMaxTokenBytes) return TokenInvalid();
  return authenticator->Identify(token);
}

absl::Status TokenInvalid() {
  return Unauthenticated(kTokenInvalid, "the token is not one that this server accepts");
}

absl::Status TokenExpired() {
  return Unauthenticated(kTokenExpired, "the token has expired; ask for another one");
}

absl::Status MayCall(const Caller& caller, Access access) {
  if (caller.role == Role::kStaff || access == Access::kStudents) return absl::OkStatus();
  return Forbidden("this call is for staff");
}

absl::Status MayUse(const Caller& caller, std::string_view assignment_name) {
  if (caller.role == Role::kStaff || caller.assignment.empty() ||
      caller.assignment == assignment_name) {
    return absl::OkStatus();
  }
  return Forbidden("the token is for another assignment");
}

absl::Status MaySendAssignment(const Caller& caller) {
  if (caller.role == Role::kStaff) return absl::OkStatus();
  return Forbidden(
      "students do not send an assignment; name one that the server holds (assignment_name)");
}

}  // namespace gradus
