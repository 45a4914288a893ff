#ifndef GRADUS_SERVER_TRANSPORT_IDENTITY_H_
#define GRADUS_SERVER_TRANSPORT_IDENTITY_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "gradus/v1/assignment.pb.h"

namespace gradus {

// Who calls, what they may call, and what they are refused with.
//
// A caller shows a bearer token: `authorization: Bearer TOKEN` in the metadata of the call. Errors
// never quote the token, nor say anything about an assignment.

enum class Role {
  kStaff,    // everything
  kStudent,  // grades against assignments that the server holds
};

// "staff", "student".
std::string_view RoleName(Role role);
std::optional<Role> RoleOf(std::string_view name);

// Who calls.
struct Caller {
  Role role = Role::kStudent;
  // Whom the token was made for. For logs and turns (Call::TurnName), never for what is allowed.
  std::string subject = {};
  // The most that reports tell this caller; unspecified: no limit but the assignment's.
  v1::FeedbackLevel max_feedback_level = v1::FEEDBACK_LEVEL_UNSPECIFIED;
  // The only held assignment that a student may use; empty: all of them.
  std::string assignment = {};
};

// Who may call an RPC. Every Method has one.
enum class Access {
  kStaff,
  kStudents,  // and staff. RPCs that have to do with an assignment also ask MayUse.
};

// Longer tokens are refused unseen.
inline constexpr size_t kMaxTokenBytes = size_t{8} * 1024;

// Knows callers by their tokens. Safe from any thread.
class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // Whose token this is, or the error of TokenInvalid or TokenExpired. `token` is at most
  // kMaxTokenBytes long.
  virtual absl::StatusOr<Caller> Identify(std::string_view token) const = 0;
  // Reads its file again. On an error, which names the file, nothing changes.
  virtual absl::Status Reload() = 0;
};

// Knows those whom one of the others knows. There is at least one of them.
std::unique_ptr<Authenticator> AnyOf(std::vector<std::unique_ptr<Authenticator>> others);

// Who calls with these values of `authorization`. Without an authenticator everybody is staff.
absl::StatusOr<Caller> Identify(const Authenticator* authenticator,
                                const std::vector<std::string_view>& authorization);

// UNAUTHENTICATED, reasons TOKEN_INVALID and TOKEN_EXPIRED.
absl::Status TokenInvalid();
absl::Status TokenExpired();

// OK, or PERMISSION_DENIED with the reason ROLE_FORBIDDEN.
absl::Status MayCall(const Caller& caller, Access access);
// The same of a held assignment of this name, whether there is one or not.
absl::Status MayUse(const Caller& caller, std::string_view assignment_name);
// The same of bringing an assignment in the request.
absl::Status MaySendAssignment(const Caller& caller);

// The same of what a GradeRequest or a GradeStreamHeader is to be graded against.
template <class Message>
absl::Status MayGradeAgainst(const Caller& caller, const Message& message) {
  switch (message.source_case()) {
    case Message::kAssignment:
      return MaySendAssignment(caller);
    case Message::kAssignmentName:
      return MayUse(caller, message.assignment_name());
    default:
      return absl::OkStatus();  // nothing to judge; refused for that
  }
}

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_IDENTITY_H_
