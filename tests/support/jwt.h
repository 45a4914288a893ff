#ifndef GRADUS_TESTS_SUPPORT_JWT_H_
#define GRADUS_TESTS_SUPPORT_JWT_H_

#include <ctime>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace gradus::testing {

// Signed tokens, made by hand from RFC 7515 and 7518: an independent check of the library that
// reads them.

inline std::string SigningInput(std::string_view header, std::string_view claims) {
  return absl::WebSafeBase64Escape(std::string(header)) + "." +
         absl::WebSafeBase64Escape(std::string(claims));
}

inline std::string Hs256(std::string_view secret, std::string_view claims,
                         std::string_view header = R"({"alg":"HS256","typ":"JWT"})") {
  const std::string input = SigningInput(header, claims);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(input.data()), input.size(), mac, &length);
  return input + "." + absl::WebSafeBase64Escape(std::string(reinterpret_cast<char*>(mac), length));
}

// Claims that are good for a minute, and more of them in JSON: R"(,"feedback":"SCORE")".
inline std::string Claims(std::string_view role, std::string_view more = "") {
  return R"({"aud":"gradus","sub":"emil","role":")" + std::string(role) + R"(","exp":)" +
         std::to_string(std::time(nullptr) + 60) + std::string(more) + "}";
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_JWT_H_
