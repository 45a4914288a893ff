#ifndef GRADUS_SERVER_TRANSPORT_TOKEN_FILE_H_
#define GRADUS_SERVER_TRANSPORT_TOKEN_FILE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "server/transport/identity.h"

namespace gradus {

// Tokens that are good until they are struck from a file, which holds their hashes only. A line is
// a role, a subject and the SHA-256 of the token in hexadecimal, with blanks between them; empty
// lines and those that begin with # say nothing:
//
//   # printf %s "$TOKEN" | sha256sum
//   staff    ada   2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b
//   student  emil  fcf730b6d95236ecd3c9fc2d92d7b6b2bb061514961aec041d6c7a7192f592e4
//
// A hash protects a token only if nobody can guess it: take 32 random bytes.
class TokenFile final : public Authenticator {
 public:
  // INVALID_ARGUMENT, naming the file, and the line if it is one, that is wrong.
  static absl::StatusOr<std::unique_ptr<TokenFile>> Load(const std::string& path);

  // Takes as long for a wrong token as for a right one.
  absl::StatusOr<Caller> Identify(std::string_view token) const override;
  absl::Status Reload() override;

 private:
  using Hash = std::array<uint8_t, 32>;
  using Entries = std::vector<std::pair<Hash, Caller>>;

  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  static absl::StatusOr<Entries> Parse(const std::string& path, const std::string& text);

  const std::string path_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Entries> entries_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_TOKEN_FILE_H_
