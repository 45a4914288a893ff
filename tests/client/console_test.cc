#include "client/console.h"

#include <gtest/gtest.h>

namespace gradus {
namespace {

TEST(Printable, KeepsOrdinaryText) { EXPECT_EQ(Printable("σ'(z_h1) = 0.5"), "σ'(z_h1) = 0.5"); }

TEST(Printable, ForgesNoLine) {
  EXPECT_EQ(Printable("x\n  all items\r\tcorrect"), "x   all items  correct");
}

TEST(Printable, ControlsNoTerminal) {
  EXPECT_EQ(Printable("\x1b[31mred\x07\x7f"), "?[31mred??");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "?31m");
  EXPECT_EQ(Printable("\xc2"), "\xc2");
}

TEST(About, NamesTheSourceUnlessNobodyAnswered) {
  EXPECT_EQ(About("a.txtpb", absl::InternalError("oops")), absl::InternalError("a.txtpb: oops"));
  EXPECT_EQ(About("a.txtpb", absl::UnavailableError("gone")), absl::UnavailableError("gone"));
}

TEST(ExitCode, SaysWhoIsToBlame) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kDone);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), ExitCode::kBadInput);
  EXPECT_EQ(ExitCodeOf(absl::UnimplementedError("")), ExitCode::kBadInput);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("")), ExitCode::kUnexpected);
}

}  // namespace
}  // namespace gradus
