#ifndef GRADUS_SERVER_TRANSPORT_CAPABILITY_TOKEN_H_
#define GRADUS_SERVER_TRANSPORT_CAPABILITY_TOKEN_H_

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "server/transport/identity.h"

namespace gradus {

// Signed tokens (JWT) that say themselves what they are good for. Whoever has the key, such as a
// learning platform, makes them; the server only checks them, and keeps no list. Claims:
//
//   aud         "gradus"
//   sub         whom it was made for
//   role        "staff" or "student"
//   exp         seconds since 1970, a whole number: refused from then on
//   nbf         optional, the same: refused before
//   assignment  optional, for students: name of the only held assignment they may use
//   feedback    optional: the most that reports tell, "SCORE" to "VALUES" (FeedbackLevel)
//
// The key decides the algorithm, never the token: a file in PEM with a public key on the curve
// P-256 is for ES256; anything else is taken as a secret for HS256, at least 32 bytes, without the
// line break at its end.
class CapabilityTokens final : public Authenticator {
 public:
  // INVALID_ARGUMENT, naming the file, if it holds no such key.
  static absl::StatusOr<std::unique_ptr<CapabilityTokens>> Load(const std::string& key_path);

  absl::StatusOr<Caller> Identify(std::string_view token) const override;
  absl::Status Reload() override;

 private:
  struct Key {
    std::string bytes;
    bool is_public = false;  // for ES256
  };

  explicit CapabilityTokens(std::string path) : path_(std::move(path)) {}

  static absl::StatusOr<Key> Parse(const std::string& path, std::string text);

  const std::string path_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Key> key_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_CAPABILITY_TOKEN_H_
