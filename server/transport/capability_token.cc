#include "server/transport/capability_token.h"

#include <jwt.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "fmt/format.h"
#include "server/transport/small_file.h"

namespace gradus {
namespace {

constexpr std::string_view kAudience = "gradus";
// As many bits as the hash of HS256: fewer could be guessed from one token.
constexpr size_t kMinSecretBytes = 32;

using Jwt = std::unique_ptr<jwt_t, decltype(&jwt_free)>;

bool IsP256PublicKey(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC) return false;
  std::string curve(80, '\0');
  size_t length = 0;
  if (EVP_PKEY_get_group_name(key.get(), curve.data(), curve.size(), &length) != 1) return false;
  return std::string_view(curve).substr(0, length) == "prime256v1";
}

// Three parts of base64url: all that a signed token may be made of.
bool LooksLikeJwt(std::string_view token) {
  int dots = 0;
  for (const char c : token) {
    if (c == '.') {
      ++dots;
    } else if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') {
      return false;
    }
  }
  return dots == 2;
}

enum class Claim { kGood, kAbsent, kBad };

// A claim that is text, and not empty.
Claim ReadText(jwt_t* jwt, const char* name, std::string* text) {
  errno = 0;
  const char* found = jwt_get_grant(jwt, name);
  if (found == nullptr) return errno == ENOENT ? Claim::kAbsent : Claim::kBad;
  *text = found;
  return text->empty() ? Claim::kBad : Claim::kGood;
}

using Json = std::unique_ptr<char, decltype(&std::free)>;

// A claim that is a time: a whole number. Read as JSON, since jwt_get_grant_int makes a number of
// whatever it finds; but only that one tells that there is nothing.
Claim ReadTime(jwt_t* jwt, const char* name, int64_t* seconds) {
  errno = 0;
  jwt_get_grant_int(jwt, name);
  if (errno == ENOENT) return Claim::kAbsent;
  const Json json(jwt_get_grants_json(jwt, name), &std::free);
  if (json == nullptr) return Claim::kBad;
  const std::string_view text = json.get();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *seconds);
  return error == std::errc() && end == text.data() + text.size() ? Claim::kGood : Claim::kBad;
}

// OK if the token is good now.
absl::Status CheckTimes(jwt_t* jwt) {
  const int64_t now = std::time(nullptr);
  int64_t expires = 0;
  if (ReadTime(jwt, "exp", &expires) != Claim::kGood) return TokenInvalid();
  int64_t begins = now;
  if (ReadTime(jwt, "nbf", &begins) == Claim::kBad) return TokenInvalid();
  if (now >= expires) return TokenExpired();
  return now < begins ? TokenInvalid() : absl::OkStatus();
}

absl::StatusOr<Caller> CallerOf(jwt_t* jwt) {
  Caller caller;
  std::string role_name;
  if (ReadText(jwt, "sub", &caller.subject) != Claim::kGood ||
      ReadText(jwt, "role", &role_name) != Claim::kGood) {
    return TokenInvalid();
  }
  const std::optional<Role> role = RoleOf(role_name);
  if (!role.has_value()) return TokenInvalid();
  caller.role = *role;
  switch (ReadText(jwt, "assignment", &caller.assignment)) {
    case Claim::kGood:
      // A limit that would not hold is none.
      if (caller.role == Role::kStaff) return TokenInvalid();
      break;
    case Claim::kAbsent:
      break;
    case Claim::kBad:
      return TokenInvalid();
  }
  std::string level;
  switch (ReadText(jwt, "feedback", &level)) {
    case Claim::kGood:
      if (!v1::FeedbackLevel_Parse("FEEDBACK_LEVEL_" + level, &caller.max_feedback_level) ||
          caller.max_feedback_level == v1::FEEDBACK_LEVEL_UNSPECIFIED) {
        return TokenInvalid();
      }
      break;
    case Claim::kAbsent:
      break;
    case Claim::kBad:
      return TokenInvalid();
  }
  return caller;
}

// Extensions that whoever made the token wants understood, and this server does not.
bool HasCriticalExtensions(jwt_t* jwt) {
  const Json critical(jwt_get_headers_json(jwt, "crit"), &std::free);
  return critical != nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CapabilityTokens>> CapabilityTokens::Load(
    const std::string& key_path) {
  std::unique_ptr<CapabilityTokens> tokens(new CapabilityTokens(key_path));
  if (absl::Status s = tokens->Reload(); !s.ok()) return s;
  return tokens;
}

absl::StatusOr<CapabilityTokens::Key> CapabilityTokens::Parse(const std::string& path,
                                                              std::string text) {
  const auto error = [&](std::string_view message) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", path, message));
  };
  if (text.find("-----BEGIN ") != std::string::npos) {
    if (text.find("PRIVATE KEY-----") != std::string::npos) {
      return error(
          "holds a private key, which only those need who make tokens; give the server the public "
          "one, as `openssl pkey -in KEY -pubout` prints it");
    }
    if (!IsP256PublicKey(text)) {
      return error("is no public key on the curve P-256 (for ES256) in PEM");
    }
    return Key{.bytes = std::move(text), .is_public = true};
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.size() < kMinSecretBytes) {
    return error(
        fmt::format("a secret of {} bytes, at least {} are needed; `openssl rand -hex 32` "
                    "makes one",
                    text.size(), kMinSecretBytes));
  }
  return Key{.bytes = std::move(text)};
}

absl::StatusOr<Caller> CapabilityTokens::Identify(std::string_view token) const {
  if (!LooksLikeJwt(token)) return TokenInvalid();
  std::shared_ptr<const Key> key;
  {
    const std::lock_guard lock(mutex_);
    key = key_;
  }
  jwt_t* decoded = nullptr;
  const int error = jwt_decode(&decoded, std::string(token).c_str(),
                               reinterpret_cast<const unsigned char*>(key->bytes.data()),
                               static_cast<int>(key->bytes.size()));
  const Jwt jwt(decoded, &jwt_free);
  if (error != 0 || jwt == nullptr) return TokenInvalid();
  // The library checks the signature by whatever algorithm the token names: none at all, or HS256
  // with a public key, which everybody has, as the secret.
  if (jwt_get_alg(jwt.get()) != (key->is_public ? JWT_ALG_ES256 : JWT_ALG_HS256)) {
    return TokenInvalid();
  }
  std::string audience;
  if (HasCriticalExtensions(jwt.get()) || ReadText(jwt.get(), "aud", &audience) != Claim::kGood ||
      audience != kAudience) {
    return TokenInvalid();
  }
  if (absl::Status s = CheckTimes(jwt.get()); !s.ok()) return s;
  return CallerOf(jwt.get());
}

absl::Status CapabilityTokens::Reload() {
  absl::StatusOr<std::string> text = ReadSmallFile(path_);
  if (!text.ok()) return text.status();
  absl::StatusOr<Key> key = Parse(path_, *std::move(text));
  if (!key.ok()) return key.status();
  auto shared = std::make_shared<const Key>(*std::move(key));
  const std::lock_guard lock(mutex_);
  key_ = std::move(shared);
  return absl::OkStatus();
}

}  // namespace gradus
