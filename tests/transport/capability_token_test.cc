#include "server/transport/capability_token.h"

#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "tests/support/jwt.h"
#include "tests/support/temporary_folder.h"

namespace gradus {
namespace {

using gradus::testing::Claims;
using gradus::testing::Hs256;
using gradus::testing::SigningInput;
using ::testing::HasSubstr;

constexpr char kSecret[] = "0123456789abcdef0123456789abcdef";

std::string At(int64_t seconds_from_now) {
  return std::to_string(std::time(nullptr) + seconds_from_now);
}

class CapabilityTokenTest : public ::testing::Test {
 protected:
  std::unique_ptr<CapabilityTokens> TokensFor(const std::string& key) {
    auto tokens = CapabilityTokens::Load(folder_.Write("key", key));
    EXPECT_TRUE(tokens.ok()) << tokens.status();
    return tokens.ok() ? *std::move(tokens) : nullptr;
  }

  std::string ErrorOf(const std::string& key) {
    return std::string(CapabilityTokens::Load(folder_.Write("key", key)).status().message());
  }

  const TemporaryFolder folder_;
  // With the line break that an editor puts at the end.
  const std::unique_ptr<CapabilityTokens> tokens_ = TokensFor(std::string(kSecret) + "\n");
};

TEST_F(CapabilityTokenTest, SaysWhoCallsAndWhatFor) {
  const auto student = tokens_->Identify(
      Hs256(kSecret,
            Claims("student", R"(,"assignment":"week 3","feedback":"MISTAKE","nbf":)" + At(-5))));
  ASSERT_TRUE(student.ok()) << student.status();
  EXPECT_EQ(student->role, Role::kStudent);
  EXPECT_EQ(student->subject, "emil");
  EXPECT_EQ(student->assignment, "week 3");
  EXPECT_EQ(student->max_feedback_level, v1::FEEDBACK_LEVEL_MISTAKE);
  const auto staff = tokens_->Identify(Hs256(kSecret, Claims("staff")));
  ASSERT_TRUE(staff.ok());
  EXPECT_EQ(staff->role, Role::kStaff);
  EXPECT_EQ(staff->assignment, "");
  EXPECT_EQ(staff->max_feedback_level, v1::FEEDBACK_LEVEL_UNSPECIFIED);
}

// What whoever has the secret should not have signed.
TEST_F(CapabilityTokenTest, ClaimsThatAreNotGoodAreRefused) {
  const std::string good = R"("aud":"gradus","sub":"emil","role":"student")";
  const std::string exp = R"(,"exp":)" + At(60);
  const std::vector<std::string> claims = {
      "{" + good + "}",                                 // never ends
      "{" + good + R"(,"exp":")" + At(60) + R"("})",    // text
      "{" + good + R"(,"exp":)" + At(60) + ".5}",       // a fraction
      "{" + good + exp + R"(,"nbf":)" + At(30) + "}",   // not yet
      "{" + good + exp + R"(,"nbf":"soon"})",           //
      R"({"sub":"emil","role":"student")" + exp + "}",  // for nobody
      R"({"aud":"other","sub":"e","role":"student")" + exp + "}",
      R"({"aud":["gradus"],"sub":"e","role":"student")" + exp + "}",
      R"({"aud":"gradus","role":"student")" + exp + "}",
      R"({"aud":"gradus","sub":"","role":"student")" + exp + "}",
      R"({"aud":"gradus","sub":"emil")" + exp + "}",
      R"({"aud":"gradus","sub":"emil","role":"root")" + exp + "}",
      R"({"aud":"gradus","sub":"emil","role":["staff"])" + exp + "}",
      "{" + good + exp + R"(,"assignment":""})",
      "{" + good + exp + R"(,"assignment":7})",
      "{" + good + exp + R"(,"feedback":"EVERYTHING"})",
      "{" + good + exp + R"(,"feedback":"UNSPECIFIED"})",
      "{" + good + exp + R"(,"feedback":5})",
      // Staff may use every assignment: the token says otherwise.
      R"({"aud":"gradus","sub":"ada","role":"staff","assignment":"a")" + exp + "}",
      "[]",
      "",
      "{" + good + exp,
  };
  for (const std::string& claim : claims) {
    EXPECT_EQ(tokens_->Identify(Hs256(kSecret, claim)).status(), TokenInvalid()) << claim;
  }
  EXPECT_EQ(tokens_->Identify(Hs256(kSecret, "{" + good + exp + "}")).status(), absl::OkStatus());
}

TEST_F(CapabilityTokenTest, ExpiresToTheSecond) {
  const auto claims = [](const std::string& exp) {
    return R"({"aud":"gradus","sub":"emil","role":"student","exp":)" + exp + "}";
  };
  EXPECT_EQ(tokens_->Identify(Hs256(kSecret, claims(At(0)))).status(), TokenExpired());
  EXPECT_EQ(tokens_->Identify(Hs256(kSecret, claims("-1"))).status(), TokenExpired());
  // Only who has a token of ours learns that it has expired.
  EXPECT_EQ(tokens_->Identify(Hs256("another secret", claims(At(0)))).status(), TokenInvalid());
}

TEST_F(CapabilityTokenTest, ForgedTokensAreRefused) {
  const std::string claims = Claims("staff");
  const std::string good = Hs256(kSecret, claims);
  ASSERT_TRUE(tokens_->Identify(good).ok());
  const std::vector<std::string> forged = {
      Hs256("0123456789abcdef0123456789abcdeX", claims),
      SigningInput(R"({"alg":"none"})", claims) + ".",
      SigningInput(R"({"alg":"none","typ":"JWT"})", claims) + ".",
      SigningInput(R"({"alg":"nOnE"})", claims) + good.substr(good.rfind('.')),
      SigningInput(R"({"typ":"JWT"})", claims) + good.substr(good.rfind('.')),
      SigningInput(R"({"alg":"HS256"})", claims) + ".",
      // Signed with the secret, but under another name, or with extensions.
      Hs256(kSecret, claims, R"({"alg":"HS512"})"),
      Hs256(kSecret, claims, R"({"alg":"ES256"})"),
      Hs256(kSecret, claims, R"({"alg":"RS256"})"),
      Hs256(kSecret, claims, R"({"alg":"HS256","crit":["b64"],"b64":false})"),
      // Claims of one token, signature of another.
      SigningInput(R"({"alg":"HS256","typ":"JWT"})", Claims("staff", R"(,"x":1)")) +
          good.substr(good.rfind('.')),
      good + ".",
      "." + good,
      good + "=",
      " " + good,
      good + std::string(1, '\0'),
      "..",
      ".",
      "",
      std::string(8000, '.'),
      std::string(8000, 'A'),
      std::string(4000, 'A') + "." + std::string(3000, 'A') + ".A",
  };
  for (const std::string& token : forged) {
    EXPECT_EQ(tokens_->Identify(token).status(), TokenInvalid()) << token;
  }
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_EQ(tokens_->Identify(good.substr(0, length)).status(), TokenInvalid()) << length;
  }
}

// Every bit of a token counts: one other character, and it is not good any more. The last one of
// the signature holds two bits that mean nothing.
TEST_F(CapabilityTokenTest, ChangedTokensAreRefused) {
  const std::string good = Hs256(kSecret, Claims("student"));
  for (size_t i = 0; i + 1 < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(tokens_->Identify(changed).status(), TokenInvalid()) << i;
  }
}

TEST_F(CapabilityTokenTest, ReadsItsKeyAgain) {
  const std::string next = "another secret of at least 32 bytes";
  const std::string token = Hs256(next, Claims("staff"));
  EXPECT_EQ(tokens_->Identify(token).status(), TokenInvalid());
  folder_.Write("key", "too short");
  EXPECT_FALSE(tokens_->Reload().ok());
  EXPECT_TRUE(tokens_->Identify(Hs256(kSecret, Claims("staff"))).ok());  // as before
  folder_.Write("key", next);
  EXPECT_TRUE(tokens_->Reload().ok());
  EXPECT_TRUE(tokens_->Identify(token).ok());
  EXPECT_EQ(tokens_->Identify(Hs256(kSecret, Claims("staff"))).status(), TokenInvalid());
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key NewEcKey(const char* curve) { return {EVP_EC_gen(curve), &EVP_PKEY_free}; }

std::string Pem(const Key& key, bool is_private) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  if (is_private) {
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    PEM_write_bio_PUBKEY(bio.get(), key.get());
  }
  char* data = nullptr;
  const auto length = static_cast<size_t>(BIO_get_mem_data(bio.get(), &data));
  return {data, length};
}

std::string Es256(const Key& key, const std::string& claims) {
  const std::string input = SigningInput(R"({"alg":"ES256"})", claims);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  const auto* data = reinterpret_cast<const unsigned char*>(input.data());
  std::vector<unsigned char> der(200);
  size_t length = der.size();
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get());
  EVP_DigestSign(context.get(), der.data(), &length, data, input.size());
  const unsigned char* begin = der.data();
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> signature(
      d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(length)), &ECDSA_SIG_free);
  // r and s, 32 bytes each.
  std::string raw(64, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + 32, 32);
  return input + "." + absl::WebSafeBase64Escape(raw);
}

TEST_F(CapabilityTokenTest, APublicKeyChecksWhatThePrivateOneSigned) {
  const Key key = NewEcKey("P-256");
  const std::string pem = Pem(key, /*is_private=*/false);
  const auto tokens = TokensFor(pem);
  const auto caller = tokens->Identify(Es256(key, Claims("student")));
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->role, Role::kStudent);
  EXPECT_EQ(tokens->Identify(Es256(NewEcKey("P-256"), Claims("student"))).status(), TokenInvalid());
  // Everybody has the public key: it is no secret to sign with.
  EXPECT_EQ(tokens->Identify(Hs256(pem, Claims("staff"))).status(), TokenInvalid());
  EXPECT_EQ(tokens->Identify(Hs256(pem.substr(0, pem.size() - 1), Claims("staff"))).status(),
            TokenInvalid());
  EXPECT_EQ(tokens->Identify(SigningInput(R"({"alg":"none"})", Claims("staff")) + ".").status(),
            TokenInvalid());
}

TEST_F(CapabilityTokenTest, OtherKeysAreErrorsThatNameTheFile) {
  EXPECT_THAT(ErrorOf("short"), HasSubstr("/key: a secret of 5 bytes, at least 32 are needed"));
  EXPECT_THAT(ErrorOf(Pem(NewEcKey("P-256"), /*is_private=*/true)),
              HasSubstr("/key: holds a private key"));
  EXPECT_THAT(ErrorOf(Pem(NewEcKey("P-384"), /*is_private=*/false)),
              HasSubstr("/key: is no public key on the curve P-256"));
  EXPECT_THAT(ErrorOf("-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n"),
              HasSubstr("/key: is no public key on the curve P-256"));
}

}  // namespace
}  // namespace gradus
