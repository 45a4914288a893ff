#include "server/transport/token_file.h"

#include <charconv>
#include <optional>
#include <span>

#include "absl/strings/str_split.h"
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "fmt/format.h"
#include "server/transport/small_file.h"

namespace gradus {
namespace {

// True if it is two hexadecimal digits for each byte.
bool ReadHexadecimal(const std::string& text, std::span<uint8_t> bytes) {
  if (text.size() != 2 * bytes.size()) return false;
  const char* digit = text.data();
  for (uint8_t& byte : bytes) {
    if (std::from_chars(digit, digit + 2, byte, 16).ptr != digit + 2) return false;
    digit += 2;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TokenFile>> TokenFile::Load(const std::string& path) {
  std::unique_ptr<TokenFile> file(new TokenFile(path));
  if (absl::Status s = file->Reload(); !s.ok()) return s;
  return file;
}

absl::StatusOr<TokenFile::Entries> TokenFile::Parse(const std::string& path,
                                                    const std::string& text) {
  Entries entries;
  int line_number = 0;
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (const std::string& line : lines) {
    ++line_number;
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty() || words[0].front() == '#') continue;
    // The line itself is not quoted: somebody may have written the token instead of its hash.
    const auto error = [&](std::string_view message) {
      return absl::InvalidArgumentError(fmt::format("{}:{}: {}", path, line_number, message));
    };
    if (words.size() != 3) {
      return error("write three words: role, subject, SHA-256 of the token in hexadecimal");
    }
    const std::optional<Role> role = RoleOf(words[0]);
    if (!role.has_value()) return error("the role, the first word, is staff or student");
    Hash hash;
    if (!ReadHexadecimal(words[2], hash)) {
      return error(
          "the third word is the SHA-256 of the token, 64 hexadecimal digits, as `printf %s "
          "\"$TOKEN\" | sha256sum` prints it");
    }
    for (const auto& [other, caller] : entries) {
      if (other == hash) return error("an earlier line has the same token");
    }
    entries.emplace_back(hash, Caller{.role = *role, .subject = words[1]});
  }
  if (entries.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: holds no token, so nobody could call", path));
  }
  return entries;
}

absl::StatusOr<Caller> TokenFile::Identify(std::string_view token) const {
  Hash hash;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), hash.data());
  std::shared_ptr<const Entries> entries;
  {
    const std::lock_guard lock(mutex_);
    entries = entries_;
  }
  // All of them, so that the time does not tell which one it was.
  const Caller* found = nullptr;
  for (const auto& [known, caller] : *entries) {
    if (CRYPTO_memcmp(known.data(), hash.data(), hash.size()) == 0) found = &caller;
  }
  if (found == nullptr) return TokenInvalid();
  return *found;
}

absl::Status TokenFile::Reload() {
  const absl::StatusOr<std::string> text = ReadSmallFile(path_);
  if (!text.ok()) return text.status();
  absl::StatusOr<Entries> entries = Parse(path_, *text);
  if (!entries.ok()) return entries.status();
  auto shared = std::make_shared<const Entries>(*std::move(entries));
  const std::lock_guard lock(mutex_);
  entries_ = std::move(shared);
  return absl::OkStatus();
}

}  // namespace gradus
