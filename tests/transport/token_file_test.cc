#include "server/transport/token_file.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace gradus {
namespace {

using ::testing::HasSubstr;

// SHA-256 of "abc" and of the empty text, from FIPS 180-2 and the same computation.
constexpr char kHashOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kHashOfNothing[] =
    "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";

class TokenFileTest : public testing::Test {
 protected:
  std::string ErrorOf(const std::string& text) {
    const absl::Status status = TokenFile::Load(folder_.Write("tokens", text)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }

  const TemporaryFolder folder_;
};

TEST_F(TokenFileTest, KnowsATokenByItsHash) {
  const auto tokens = TokenFile::Load(
      folder_.Write("tokens", std::string("# role subject hash\n\n  staff\tada  ") + kHashOfAbc +
                                  "\r\nstudent emil " + kHashOfNothing + "\n"));
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  const auto caller = (*tokens)->Identify("abc");
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->role, Role::kStaff);
  EXPECT_EQ(caller->subject, "ada");
  EXPECT_EQ((*tokens)->Identify("")->role, Role::kStudent);
  EXPECT_EQ((*tokens)->Identify("abd").status(), TokenInvalid());
  // A hash is no token.
  EXPECT_EQ((*tokens)->Identify(kHashOfAbc).status(), TokenInvalid());
}

TEST_F(TokenFileTest, ABadLineIsNamedButNotQuoted) {
  EXPECT_THAT(ErrorOf("# tokens\nstaff ada\n"), HasSubstr("tokens:2: write three words"));
  EXPECT_THAT(ErrorOf(std::string("root ada ") + kHashOfAbc),
              HasSubstr("tokens:1: the role, the first word, is staff or student"));
  // Somebody wrote the token itself.
  const std::string message = ErrorOf("staff ada my-secret-token");
  EXPECT_THAT(message, HasSubstr("tokens:1: the third word is the SHA-256 of the token"));
  EXPECT_EQ(message.find("my-secret-token"), std::string::npos);
  EXPECT_THAT(ErrorOf(std::string("staff a ") + kHashOfAbc + "\nstudent b " + kHashOfAbc),
              HasSubstr("tokens:2: an earlier line has the same token"));
  EXPECT_THAT(ErrorOf(std::string("staff a ") + std::string(64, 'g')),
              HasSubstr("tokens:1: the third word"));
}

TEST_F(TokenFileTest, AFileWithoutTokensIsAnError) {
  EXPECT_THAT(ErrorOf("# nobody\n"), HasSubstr("tokens: holds no token"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("tokens: is empty"));
  EXPECT_THAT(std::string(TokenFile::Load(folder_.PathOf("none")).status().message()),
              HasSubstr("none: cannot be read: No such file"));
}

TEST_F(TokenFileTest, ReadsItsFileAgain) {
  const std::string path = folder_.Write("tokens", std::string("staff ada ") + kHashOfAbc);
  const auto tokens = TokenFile::Load(path);
  ASSERT_TRUE(tokens.ok());
  folder_.Write("tokens", "staff ada");
  EXPECT_EQ((*tokens)->Reload().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE((*tokens)->Identify("abc").ok());  // as before
  folder_.Write("tokens", std::string("student emil ") + kHashOfNothing);
  ASSERT_TRUE((*tokens)->Reload().ok());
  EXPECT_EQ((*tokens)->Identify("abc").status(), TokenInvalid());
}

}  // namespace
}  // namespace gradus
